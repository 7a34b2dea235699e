import type { HostileCase } from './hostile-case.js';
import { connectPacket, publishPacket, pubrelPacket, Type } from './hostile-packets.js';
import type { HostileWire } from './hostile-wire.js';
import { HOSTILE_SECRET } from './attacked-server.js';
import { inWords, must, mustEnd } from './hostile-target.js';

const PROTOCOL_ERROR = 0x82;
const BAD_CREDENTIALS = 0x86;
const KEEP_ALIVE_TIMEOUT = 0x8d;
/** A second between two bytes is another case. */
const BYTE_EVERY_MS = 2;
/** The gateway's ten seconds for a CONNECT, and what a busy machine adds. */
const CONNECT_WITHIN_MS = 15_000;

/** Packets in an order, in pieces, or at a pace that nobody sends by mistake. */
export const ATTACKS_ON_TIME: readonly HostileCase[] = [
  {
    id: 'b',
    title: 'releases one QoS 2 message twice in one segment: gets two PUBCOMPs',
    async attack(target) {
      const { id, wire } = await target.connected();
      await wire.send(publishPacket({ topic: `devices/${id}/telemetry`, qos: 2, payload: '{"n":1}' }));
      must((await wire.next(Type.PUBREC)) !== undefined, 'no PUBREC');
      await wire.send(pubrelPacket(1), pubrelPacket(1));
      must((await wire.next(Type.PUBCOMP)) !== undefined, 'no PUBCOMP');
      must((await wire.next(Type.PUBCOMP)) !== undefined, 'no second PUBCOMP');
    },
  },
  {
    id: 'd',
    title: 'begins anew and uses the packet id of an unfinished QoS 2 message: the new message counts',
    async attack(target) {
      const id = await target.registered();
      const arrived = await target.arrivals(id);
      const sent = async (n: number): Promise<() => void> => {
        const { wire } = await target.connected({ version: 4, clientId: id });
        const message = { topic: `devices/${id}/telemetry`, payload: `{"n":${n}}` };
        await wire.send(publishPacket({ version: 4, qos: 2, id: 1, ...message }));
        must((await wire.next(Type.PUBREC)) !== undefined, 'no PUBREC');
        if (n === 2) await wire.send(pubrelPacket(1));
        if (n === 2) must((await wire.next(Type.PUBCOMP)) !== undefined, 'no PUBCOMP');
        return () => wire.close();
      };
      (await sent(1))(); // before PUBREL
      (await sent(2))();
      must(await arrived(2), 'it is acknowledged, and neither stored nor delivered');
    },
  },
  {
    id: 'l',
    title: 'says nothing, half a CONNECT, or one byte of it a second: is sent away in time',
    async attack(target) {
      const bytes = connectPacket({ clientId: await target.registered(), keepAliveSeconds: 0 });
      const [silent, half, slow] = await Promise.all([target.open(), target.open(), target.open()]);
      await half.send(bytes.subarray(0, 20));
      const dripping = drip(slow, bytes, 1_000);
      const ends = await Promise.all([silent, half, slow].map((wire) => wire.closes(CONNECT_WITHIN_MS)));
      await dripping;
      must(ends.every(Boolean), `is closed: ${ends.join()}`);
    },
  },
  {
    id: 'l2',
    title: 'is unknown: is not let in, and told why',
    only: 'log-in',
    async attack(target) {
      const unknown = { clientId: 'nobody-knows-me', username: 'nobody-knows-me', password: HOSTILE_SECRET };
      const { wire, reason, says } = await target.tried(unknown);
      must(reason === BAD_CREDENTIALS, `CONNACK says ${inWords(reason)}`);
      must(says !== '', 'it is not told why');
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'n17',
    title: 'is silent for one and a half keep-alives: DISCONNECT 0x8D',
    async attack(target) {
      const { wire } = await target.connected({ keepAliveSeconds: 2 });
      await mustEnd(wire, [KEEP_ALIVE_TIMEOUT], /3 s/);
    },
  },
  {
    id: 'n18',
    title: 'asks for no keep-alive: TCP looks after it',
    only: 'log-in',
    async attack(target) {
      const { wire } = await target.connected({ keepAliveSeconds: 0 });
      const webSocket = await target.openWebSocket();
      must(await target.isAskedByTcp(wire), 'it is never asked whether it is there');
      must(await target.isAskedByTcp(webSocket), 'it is never asked over WebSocket');
    },
  },
  {
    id: 'n9',
    title: 'leaves in the middle of a packet, at every byte of it: nothing stays behind',
    async attack(target) {
      const id = await target.registered();
      const connect = connectPacket({ clientId: id, username: id, password: HOSTILE_SECRET });
      for (let cut = 1; cut < connect.length; cut++) {
        const wire = await target.open();
        await wire.send(connect.subarray(0, cut));
        wire.close();
      }
      const publish = publishPacket({ topic: `devices/${id}/telemetry`, qos: 1, payload: '{"n":1}' });
      for (let cut = 1; cut < publish.length; cut++) {
        const { wire } = await target.connected({ clientId: id });
        await wire.send(publish.subarray(0, cut));
        wire.close();
      }
      const { wire } = await target.connected({ clientId: id });
      must(await target.isServed(wire), 'it is not served afterwards');
    },
  },
  {
    id: 'n10',
    title: 'sends byte by byte: is understood',
    async attack(target) {
      const id = await target.registered();
      const wire = await target.open();
      const connect = connectPacket({ clientId: id, username: id, password: HOSTILE_SECRET });
      await drip(wire, connect, BYTE_EVERY_MS);
      must((await wire.next(Type.CONNACK))?.[1] === 0, 'no CONNACK');
      const publish = publishPacket({ topic: `devices/${id}/telemetry`, qos: 1, payload: '{"n":1}' });
      await drip(wire, publish, BYTE_EVERY_MS);
      must((await wire.next(Type.PUBACK)) !== undefined, 'no PUBACK');
    },
  },
  {
    id: 'n11',
    title: 'sends a second CONNECT: DISCONNECT 0x82',
    async attack(target) {
      const { id, wire } = await target.connected();
      await wire.send(connectPacket({ clientId: id, username: id, password: HOSTILE_SECRET }));
      await mustEnd(wire, [PROTOCOL_ERROR], /second CONNECT/);
    },
  },
];

/** Byte by byte, until all are sent or the connection ends. */
async function drip(wire: HostileWire, packet: Buffer, everyMs: number): Promise<void> {
  for (const byte of packet) {
    if (!(await wire.send(Buffer.from([byte])))) return;
    await new Promise((resolve) => setTimeout(resolve, everyMs)); // the attack itself
  }
}
