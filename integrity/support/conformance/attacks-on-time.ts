import { until } from '../operator.js';
import type { HostileCase } from './hostile-case.js';
import { connectPacket, publishPacket, pubrelPacket, Type } from './hostile-packets.js';
import { HOSTILE_SECRET, inWords, must, mustEnd } from './hostile-target.js';

const PROTOCOL_ERROR = 0x82;
/** Stands for the one second between two bytes. */
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
    title: 'begins anew and uses the packet id of an unfinished QoS 2 message: the new message is stored',
    async attack(target) {
      const id = await target.registered();
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
      const lastMinute = (): Promise<number[]> =>
        target.deployment.operator.values(id, 'n', Date.now() - 60_000, Date.now() + 60_000);
      const stored = await until(lastMinute, (values) => values.includes(2), 10_000);
      must(stored.includes(2), `acknowledged, and stored is ${stored.join()}`);
    },
  },
  {
    id: 'l',
    title: 'is unknown, or says nothing at all: is sent away in time',
    async attack(target) {
      const unknown = { clientId: 'nobody-knows-me', username: 'nobody-knows-me', password: HOSTILE_SECRET };
      const { reason } = await target.tried(unknown);
      must((reason ?? 0) >= 0x80, `CONNACK says ${inWords(reason)}`);
      const silent = await target.open();
      const half = await target.open();
      await half.send(connectPacket(unknown).subarray(0, 20));
      const ends = await Promise.all([silent.closes(CONNECT_WITHIN_MS), half.closes(CONNECT_WITHIN_MS)]);
      must(ends.every(Boolean), 'a connection without CONNECT is held for ever');
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
      const drip = async (packet: Buffer): Promise<void> => {
        for (const byte of packet) {
          await wire.send(Buffer.from([byte]));
          await new Promise((resolve) => setTimeout(resolve, BYTE_EVERY_MS)); // the attack itself
        }
      };
      await drip(connectPacket({ clientId: id, username: id, password: HOSTILE_SECRET }));
      must((await wire.next(Type.CONNACK))?.[1] === 0, 'no CONNACK');
      await drip(publishPacket({ topic: `devices/${id}/telemetry`, qos: 1, payload: '{"n":1}' }));
      must((await wire.next(Type.PUBACK)) !== undefined, 'no PUBACK');
    },
  },
  {
    id: 'n11',
    title: 'sends a second CONNECT: DISCONNECT 0x82',
    async attack(target) {
      const { id, wire } = await target.connected();
      await wire.send(connectPacket({ clientId: id, username: id, password: HOSTILE_SECRET }));
      await mustEnd(wire, [PROTOCOL_ERROR]);
    },
  },
];
