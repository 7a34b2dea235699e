import type { HostileCase } from './hostile-case.js';
import {
  connectPacket,
  endlessPacket,
  PINGREQ,
  property,
  publishPacket,
  subscribePacket,
  Type,
} from './hostile-packets.js';
import { HOSTILE_SECRET } from './attacked-server.js';
import { must, mustEnd } from './hostile-target.js';
import type { HostileWire } from './hostile-wire.js';

const BLOCK = Buffer.alloc(16_384, 'x');
/** As large, and taken by everybody: who refuses a QoS 2 message has it open no longer. */
const READINGS = JSON.stringify(
  Object.fromEntries(Array.from({ length: 240 }, (_, n) => [`${'x'.repeat(60)}${n}`, n])),
);
const BLOCKS = 6_000; // 96 MiB
const IDS = 65_535;
const RECEIVE_MAXIMUM_EXCEEDED = 0x93;
const PROTOCOL_ERROR = 0x82;
const PACKET_TOO_LARGE = 0x95;

/** 96 MiB each, of which nothing may stay. */
export const ATTACKS_ON_MEMORY: readonly HostileCase[] = [
  {
    id: 'c',
    title: 'begins QoS 2 messages and completes none: DISCONNECT 0x93 beyond what it may have open',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        const topic = `devices/${id}/telemetry`;
        await pour(wire, (n) => publishPacket({ topic, qos: 2, id: n, payload: READINGS }));
        await mustEnd(wire, [RECEIVE_MAXIMUM_EXCEEDED], /Receive Maximum of \d+/);
      }),
  },
  {
    id: 'n5',
    title: 'the same with every packet id and hardly any payload: is stopped',
    async attack(target) {
      const { id, wire } = await target.connected({ version: 4 });
      for (let n = 1; n <= IDS; n++) {
        const message = { topic: `devices/${id}/telemetry`, payload: `{"n":${n}}` };
        if (!(await wire.send(publishPacket({ version: 4, qos: 2, id: n, ...message })))) break;
      }
      must(await wire.closes(), 'all 65,535 are open');
    },
  },
  {
    id: 'f',
    title: 'publishes with two Topic Aliases, over and over: DISCONNECT 0x82 at the first',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        const properties = [property.topicAlias(1), property.topicAlias(1)];
        await pour(wire, (n) => publishPacket({ topic: `devices/${id}/${n}`, properties, payload: BLOCK }));
        await mustEnd(wire, [PROTOCOL_ERROR], /topic ?alias/i);
      }),
  },
  {
    id: 'g',
    title:
      'subscribes to its own messages, keeps the session and floods it: hardly anything is queued for it',
    async attack(target) {
      const id = await target.registered();
      const session = { clientId: id, clean: false, properties: [property.sessionExpiry(3_600)] };
      await target.withinMemory(async () => {
        const { wire } = await target.connected(session);
        await wire.send(subscribePacket(1, [`devices/${id}/#`]));
        must((await wire.next(Type.SUBACK)) !== undefined, 'no SUBACK');
        const topic = `devices/${id}/telemetry`;
        await pour(wire, (n) => publishPacket({ topic, qos: 1, id: n, payload: BLOCK }));
        wire.close();
      });
      const { wire } = await target.connected(session);
      must(
        target.server.isOpen || (await wire.next(Type.PUBLISH, 500)) === undefined,
        'it is sent what it published',
      );
    },
  },
  {
    id: 'h',
    title: 'retains a message on ever new topics: hardly any is kept',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        const retained = { retain: true, payload: BLOCK };
        await pour(wire, (n) => publishPacket({ topic: `devices/${id}/events/e${n}`, ...retained }));
      }),
  },
  {
    id: 'i',
    title: 'declares a CONNECT of 256 MB: is closed when the length is read',
    attack: (target) =>
      target.withinMemory(async () => {
        const wire = await target.open();
        await wire.send(endlessPacket(0x10), Buffer.from('00044d5154540502003c', 'hex'));
        must(await wire.closes(), 'the connection stays open');
      }),
  },
  {
    id: 'n6',
    title: 'declares a PUBLISH of 256 MB: DISCONNECT 0x95 when the length is read',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(endlessPacket(0x30)); // and not a byte of the body
      await mustEnd(wire, [PACKET_TOO_LARGE], /larger than \d+/);
    },
  },
  {
    id: 'n7',
    title: 'publishes and never reads its PUBACKs: is not read on, or closed',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        wire.freeze();
        const topic = `devices/${id}/telemetry`;
        await pour(wire, (n) => publishPacket({ topic, qos: 1, id: n, payload: BLOCK }));
      }),
  },
  {
    id: 'n13',
    title: 'subscribes without end and reads no SUBACK: is not read on, or closed',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        wire.freeze();
        const filters = Array.from({ length: 500 }, () => `devices/${id}/commands/#`);
        await pour(wire, (n) => subscribePacket(n, filters));
      }),
  },
  {
    id: 'n14',
    title: 'subscribes, and never reads what it is sent: others are served, and little waits for it',
    only: 'open',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        await wire.send(subscribePacket(1, [`devices/${id}/#`]));
        must((await wire.next(Type.SUBACK)) !== undefined, 'no SUBACK');
        wire.freeze();
        const { wire: writer } = await target.connected();
        const topic = `devices/${id}/telemetry`;
        await pour(writer, () => publishPacket({ topic, payload: BLOCK }));
        must(await target.isServed(writer), 'who writes to it is not served');
      }),
  },
  {
    id: 'n15',
    title: 'never reads its commands: the operator is answered, and little waits for it',
    only: 'log-in',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        await wire.send(subscribePacket(1, [`devices/${id}/commands/#`]));
        must((await wire.next(Type.SUBACK)) !== undefined, 'no SUBACK');
        wire.freeze();
        await target.floodWithCommands(id);
      }),
  },
  {
    id: 'n16',
    title: 'connects 500 times under one id: the last one is served',
    async attack(target) {
      const id = await target.registered();
      for (let n = 0; n < 500; n++) {
        const wire = await target.open();
        const credentials = { username: id, password: HOSTILE_SECRET };
        await wire.send(connectPacket({ clientId: id, ...credentials }));
      }
      const { wire } = await target.connected({ clientId: id });
      must(await target.isServed(wire), 'it is not served');
    },
  },
  {
    id: 'n8',
    title: 'asks for 2,000,000 PINGRESPs and reads none: is not read on, or closed',
    attack: (target) =>
      target.withinMemory(async () => {
        const { wire } = await target.connected();
        wire.freeze();
        const many = Buffer.concat(Array.from({ length: 10_000 }, () => PINGREQ));
        for (let round = 0; round < 200; round++) if (!(await wire.send(many))) return;
      }),
  },
];

/** Until the gateway closes or reads no more. */
async function pour(wire: HostileWire, packetOf: (n: number) => Buffer): Promise<void> {
  for (let n = 1; n <= BLOCKS; n++) if (!(await wire.send(packetOf(n)))) return;
}
