import type { HostileCase } from './hostile-case.js';
import { publishPacket, subscribePacket, Type, unsubscribePacket } from './hostile-packets.js';
import { HOSTILE_SECRET, must } from './hostile-target.js';

const NOT_AUTHORIZED = 0x87;
const LONGEST = 65_535;

/** Names that mean something to the language or to the broker, and names without measure. */
export const ATTACKS_ON_NAMES: readonly HostileCase[] = [
  {
    id: 'a1',
    title: 'has the id "constructor": is served like any other',
    async attack(target) {
      const { wire } = await target.connected({ clientId: await target.registered('constructor') });
      must(await target.isServed(wire), 'it is not served');
    },
  },
  {
    id: 'a2',
    title: 'calls itself "__proto__", which no device may be named: is not let in',
    async attack(target) {
      const credentials = { username: '__proto__', password: HOSTILE_SECRET };
      const { wire, reason } = await target.tried({ clientId: '__proto__', ...credentials });
      must((reason ?? 0x80) >= 0x80, 'it is let in');
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'a3',
    title: 'subscribes to "constructor": is refused in SUBACK',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(subscribePacket(1, ['constructor']));
      must((await wire.next(Type.SUBACK))?.at(-1) === NOT_AUTHORIZED, 'no SUBACK 0x87');
    },
  },
  {
    id: 'a4',
    title: 'subscribes to "__proto__" and to its commands: each filter gets its answer',
    async attack(target) {
      const { id, wire } = await target.connected();
      await wire.send(
        subscribePacket(1, ['__proto__', `devices/${id}/commands/#`, `devices/${id}/__proto__`]),
      );
      const codes = [...((await wire.next(Type.SUBACK)) ?? [])].slice(3);
      must(
        codes[0] === NOT_AUTHORIZED && codes[1] === 1 && codes[2] === 1,
        wire.isClosed ? 'it is closed' : `SUBACK says ${codes.join()}`,
      );
    },
  },
  {
    id: 'a5',
    title: 'unsubscribes from "toString": gets its UNSUBACK',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(unsubscribePacket(1, ['toString']));
      must((await wire.next(Type.UNSUBACK)) !== undefined, 'no UNSUBACK');
    },
  },
  {
    id: 'j',
    title: 'publishes another’s id on $SYS/…/new/clients: nobody is thrown out for it',
    async attack(target) {
      for (const version of [4, 5] as const) {
        const { wire } = await target.connected({ version });
        await wire.send(publishPacket({ version, topic: '$SYS/x/new/clients', payload: target.witnessId }));
        if (version === 4) must(await wire.closes(), 'MQTT 3.1.1: the connection stays open');
        else must(wire.isClosed || (await target.isServed(wire)), 'MQTT 5: neither closed nor served');
      }
    },
  },
  {
    id: 'k',
    title: 'subscribes to $SYS/#: is refused, and hears of nobody',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(subscribePacket(1, ['$SYS/#']));
      must((await wire.next(Type.SUBACK))?.at(-1) === NOT_AUTHORIZED, 'no SUBACK 0x87');
      const { wire: another } = await target.connected();
      must(await target.isServed(another), 'another is not served');
      must((await wire.next(Type.PUBLISH, 500)) === undefined, 'it is told of others');
    },
  },
  {
    id: 'm1',
    title: 'has neither user name nor password: is not let in',
    async attack(target) {
      for (const clientId of ['anonymous', '']) {
        const { wire, reason } = await target.tried({ clientId });
        must((reason ?? 0x80) >= 0x80, 'it is let in');
        must(await wire.closes(), 'the connection stays open');
      }
    },
  },
  {
    id: 'n1',
    title: 'uses topics of 65,535 bytes: is answered, not served',
    async attack(target) {
      const { id, wire } = await target.connected();
      const longest = `devices/${id}/`.padEnd(LONGEST, 'x');
      await wire.send(publishPacket({ topic: longest, qos: 1, id: 7, payload: '{}' }));
      const puback = await wire.next(Type.PUBACK);
      must(puback !== undefined || wire.isClosed, 'neither PUBACK nor the end');
      const { wire: reader } = await target.connected();
      await reader.send(subscribePacket(1, [longest, '#'.padStart(LONGEST, '+/')]));
      const codes = [...((await reader.next(Type.SUBACK)) ?? [])].slice(3);
      must(reader.isClosed || codes.every((code) => code >= 0x80), `SUBACK says ${codes.join()}`);
    },
  },
  {
    id: 'n2',
    title: 'subscribes 100,000 times: is stopped',
    async attack(target) {
      const { id, wire } = await target.connected();
      let granted = 0;
      for (let round = 0; round < 100; round++) {
        const filters = Array.from({ length: 1_000 }, (_, n) => `devices/${id}/commands/${round}-${n}/+`);
        await wire.send(subscribePacket(round + 1, filters));
        const codes = [...((await wire.next(Type.SUBACK)) ?? [])].slice(3);
        granted += codes.filter((code) => code < 0x80).length;
        if (wire.isClosed || codes.some((code) => code >= 0x80)) return;
      }
      must(false, `${granted} are granted`);
    },
  },
];
