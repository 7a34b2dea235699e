import type { HostileCase } from './hostile-case.js';
import { disconnectPacket, property, publishPacket, publishWithBytes, Type } from './hostile-packets.js';
import { HOSTILE_SECRET } from './attacked-server.js';
import { inWords, must, mustEnd } from './hostile-target.js';

const MALFORMED = 0x81;
const PROTOCOL_ERROR = 0x82;
const TOPIC_ALIAS_INVALID = 0x94;

/** Properties twice, cut off, or above what was offered. */
export const ATTACKS_ON_PROPERTIES: readonly HostileCase[] = [
  {
    id: 'e1',
    title: 'connects with two Session Expiry Intervals: is not let in',
    async attack(target) {
      const id = await target.registered();
      const { wire, reason, says } = await target.tried({
        clientId: id,
        username: id,
        password: HOSTILE_SECRET,
        properties: [property.sessionExpiry(5), property.sessionExpiry(5)],
      });
      must(reason === PROTOCOL_ERROR, `CONNACK says ${inWords(reason)}`);
      must(/session ?expiry/i.test(says), `CONNACK says "${says}"`);
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'e2',
    title: 'disconnects with two Session Expiry Intervals: DISCONNECT 0x82',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(disconnectPacket([property.sessionExpiry(5), property.sessionExpiry(5)]));
      await mustEnd(wire, [PROTOCOL_ERROR], /session ?expiry/i);
    },
  },
  {
    id: 'm2',
    title: 'publishes with two Content Types: DISCONNECT 0x82',
    async attack(target) {
      const { id, wire } = await target.connected();
      const properties = [property.contentType('a'), property.contentType('b')];
      await wire.send(
        publishPacket({ topic: `devices/${id}/telemetry`, qos: 1, payload: '{"n":1}', properties }),
      );
      await mustEnd(wire, [PROTOCOL_ERROR], /content ?type/i);
    },
  },
  {
    id: 'm3',
    title: 'cuts the Response Topic off: DISCONNECT 0x81',
    async attack(target) {
      const { id, wire } = await target.connected();
      await wire.send(publishWithBytes(`devices/${id}/telemetry`, Buffer.from([0x08]), '{"n":1}'));
      await mustEnd(wire, [MALFORMED], /\[/); // the paragraph
    },
  },
  {
    id: 'm4',
    title: 'cuts the Content Type off: DISCONNECT 0x81, and no reader ever sees it',
    async attack(target) {
      const { id, wire } = await target.connected();
      await wire.send(publishWithBytes(`devices/${id}/telemetry`, Buffer.from([0x03]), '{"n":1}'));
      await mustEnd(wire, [MALFORMED], /\[/); // the paragraph
    },
  },
  {
    id: 'n3',
    title: 'uses every topic alias from 1 to 65,535: DISCONNECT 0x94 at the first that was not offered',
    async attack(target) {
      const { id, wire } = await target.connected();
      const message = { topic: `devices/${id}/telemetry`, payload: '{"n":1}' };
      for (let alias = 1; alias <= 65_535; alias++)
        if (!(await wire.send(publishPacket({ ...message, properties: [property.topicAlias(alias)] }))))
          break;
      await mustEnd(wire, [TOPIC_ALIAS_INVALID], /Topic Alias Maximum of \d+/);
    },
  },
  {
    id: 'n12',
    title: 'fills its packets with User Properties: is answered',
    attack: (target) =>
      target.withinMemory(async () => {
        const { id, wire } = await target.connected();
        const properties = Array.from({ length: 20_000 }, () => property.user('', ''));
        const message = { topic: `devices/${id}/telemetry`, payload: '{"n":1}', properties };
        for (let n = 1; n <= 100; n++) await wire.send(publishPacket({ ...message, qos: 1, id: n }));
        for (let n = 1; n <= 100; n++)
          must((await wire.next(Type.PUBACK)) !== undefined, `no PUBACK for message ${n}`);
      }),
  },
  {
    id: 'n4',
    title: 'uses the topic alias 0, and one that it never set: DISCONNECT 0x94 or 0x82',
    async attack(target) {
      for (const alias of [0, 3]) {
        const { wire } = await target.connected();
        await wire.send(
          publishPacket({ topic: '', qos: 1, payload: '{"n":1}', properties: [property.topicAlias(alias)] }),
        );
        await mustEnd(wire, [TOPIC_ALIAS_INVALID, PROTOCOL_ERROR], /topic ?alias/i);
        must((await wire.next(Type.PUBACK)) === undefined, 'the message is acknowledged');
      }
    },
  },
];
