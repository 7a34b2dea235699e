import { until } from '../operator.js';
import { HOSTILE_SECRET } from './attacked-server.js';
import type { HostileCase } from './hostile-case.js';
import { connectPacket, publishPacket } from './hostile-packets.js';
import { must, type HostileTarget } from './hostile-target.js';
import type { HostileWire } from './hostile-wire.js';

/** Of the gateway that is attacked. */
export const CONNECTIONS_OF_THE_ATTACKED = 600;
/** The gateway's ten seconds for an upgrade, and what a busy machine adds. */
const UPGRADE_WITHIN_MS = 15_000;
const TEXT = 0x81;
const BINARY = 0x82;
/** Bits that mean nothing are set. */
const BAD_FRAME = Buffer.from('ff8000000000', 'hex');
const HUGE = 2 ** 31 - 1;
const STRANGERS = 200;

/** Bytes before MQTT: the upgrade, and the frames that packets travel in. */
export const ATTACKS_OVER_WEBSOCKET: readonly HostileCase[] = [
  {
    id: 'w1',
    title: 'upgrades without a subprotocol and sends a bad frame: is closed',
    only: 'log-in',
    async attack(target) {
      const wire = await target.openWebSocket();
      await wire.send(upgrade(), BAD_FRAME);
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'w2',
    title: 'upgrades at the limit of connections and sends a bad frame with it: is closed',
    only: 'log-in',
    async attack(target) {
      const wires = await Promise.all(
        Array.from({ length: CONNECTIONS_OF_THE_ATTACKED }, () => target.open()),
      );
      must(await Promise.race(wires.map((each) => each.closes())), 'the limit is not reached');
      const wire = await target.openWebSocket();
      await wire.send(upgrade('mqtt'), BAD_FRAME);
      must(await wire.closes(), 'the connection stays open');
      for (const each of wires) each.close();
      const id = await target.registered();
      const login = { clientId: id, username: id, password: HOSTILE_SECRET };
      const answer = await until(
        async () => (await target.tried(login)).reason,
        (reason) => reason === 0,
        10_000,
      );
      must(answer === 0, 'nobody is let in when they have gone');
    },
  },
  {
    id: 'w3',
    title: 'sends a bad frame after its log-in, and does not close: is closed',
    only: 'log-in',
    async attack(target) {
      const { wire } = await loggedIn(target);
      await wire.send(BAD_FRAME);
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'w4',
    title: 'publishes in a text frame: is closed, and nothing of it is stored',
    only: 'log-in',
    async attack(target) {
      const { id, wire } = await loggedIn(target);
      const arrived = await target.arrivals(id);
      const publish = (n: number): Buffer =>
        publishPacket({ topic: `devices/${id}/telemetry`, payload: `{"n":${n}}` });
      await wire.send(frameOf(TEXT, publish(1)), frameOf(BINARY, publish(2)));
      must(await wire.closes(), 'the connection stays open');
      const { wire: later } = await loggedIn(target, id);
      await later.send(frameOf(BINARY, publish(3)));
      must(await arrived(3), 'what it sends afterwards is not stored');
      must(!(await arrived(1, 0)) && !(await arrived(2, 0)), 'it is stored');
    },
  },
  {
    id: 'w5',
    title: 'declares a frame of 2 GB: is closed when the length is read',
    only: 'log-in',
    async attack(target) {
      const wire = await target.openWebSocket();
      await wire.send(upgrade('mqtt'), frameOf(BINARY, Buffer.alloc(0), HUGE));
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'w6',
    title: 'sends 400 KB of one frame before its log-in, 200 times at once: is closed, and nothing stays',
    only: 'log-in',
    attack: (target) =>
      target.withinMemory(async () => {
        const wires = await Promise.all(Array.from({ length: STRANGERS }, () => target.openWebSocket()));
        const bytes = frameOf(BINARY, Buffer.alloc(400_000, 'x'), 500_000);
        await Promise.all(wires.map((wire) => wire.send(upgrade('mqtt'), bytes)));
        const ends = await Promise.all(wires.map((wire) => wire.closes()));
        must(ends.every(Boolean), 'some stay open');
      }),
  },
  {
    id: 'w7',
    title: 'sends half of an upgrade: is sent away in time',
    only: 'log-in',
    async attack(target) {
      const [silent, half] = await Promise.all([target.openWebSocket(), target.openWebSocket()]);
      await half.send(upgrade('mqtt').subarray(0, 60));
      const ends = await Promise.all([silent, half].map((wire) => wire.closes(UPGRADE_WITHIN_MS)));
      must(ends.every(Boolean), `is closed: ${ends.join()}`);
    },
  },
];

/** What it is told is not cut into packets: nothing of it matters here. */
async function loggedIn(target: HostileTarget, known?: string): Promise<{ id: string; wire: HostileWire }> {
  const id = known ?? (await target.registered());
  const wire = await target.openWebSocket();
  const connect = connectPacket({ clientId: id, username: id, password: HOSTILE_SECRET });
  await wire.send(upgrade('mqtt'), frameOf(BINARY, connect));
  return { id, wire };
}

function upgrade(subprotocol?: string): Buffer {
  const lines = [
    'GET /mqtt HTTP/1.1',
    'Host: gateway',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  ];
  if (subprotocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** Masked with zeros; says that it has `declared` bytes, whatever it has. */
function frameOf(opcode: number, payload: Buffer, declared = payload.length): Buffer {
  const header = Buffer.alloc(14);
  header[0] = opcode;
  header[1] = 0xff; // masked, and a length of eight bytes
  header.writeBigUInt64BE(BigInt(declared), 2);
  return Buffer.concat([header, payload]);
}
