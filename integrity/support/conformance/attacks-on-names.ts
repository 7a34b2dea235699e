import type { HostileCase } from './hostile-case.js';
import { publishPacket, reasonString, subscribePacket, Type, unsubscribePacket } from './hostile-packets.js';
import { HOSTILE_SECRET } from './attacked-server.js';
import { must } from './hostile-target.js';

const NOT_AUTHORIZED = 0x87;
const QUOTA_EXCEEDED = 0x97;
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
    title: 'calls itself "__proto__", which no device may be named: is not let in, or served like any other',
    async attack(target) {
      const credentials = { username: '__proto__', password: HOSTILE_SECRET };
      const { wire, reason } = await target.tried({ clientId: '__proto__', ...credentials });
      if (target.server.isOpen) return must(await target.isServed(wire), 'it is not served');
      must((reason ?? 0) >= 0x80, 'it is let in');
      must(await wire.closes(), 'the connection stays open');
    },
  },
  {
    id: 'a3',
    title: 'subscribes to "constructor": is answered in SUBACK',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(subscribePacket(1, ['constructor']));
      const expected = target.server.isOpen ? 1 : NOT_AUTHORIZED;
      must((await wire.next(Type.SUBACK))?.at(-1) === expected, `no SUBACK ${expected}`);
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
      const codes = [...((await wire.next(Type.SUBACK)) ?? [])].slice(-3); // behind them nothing follows (3.9.3)
      must(
        codes[0] === (target.server.isOpen ? 1 : NOT_AUTHORIZED) && codes[1] === 1 && codes[2] === 1,
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
        if (version === 4 && !target.server.isOpen) must(await wire.closes(), 'the connection stays open');
        else must(await target.isServed(wire), 'it is not served');
      }
    },
  },
  {
    id: 'k',
    title: 'subscribes to $SYS/#: hears of nobody',
    async attack(target) {
      const { wire } = await target.connected();
      await wire.send(subscribePacket(1, ['$SYS/#']));
      const code = (await wire.next(Type.SUBACK))?.at(-1);
      must(code === (target.server.isOpen ? 1 : NOT_AUTHORIZED), `SUBACK says ${code}`);
      const { wire: another } = await target.connected();
      must(await target.isServed(another), 'another is not served');
      must((await wire.next(Type.PUBLISH, 500)) === undefined, 'it is told of others');
    },
  },
  {
    id: 'm1',
    title: 'has neither user name nor password: is not let in, and told why',
    only: 'log-in',
    async attack(target) {
      for (const clientId of ['anonymous', '']) {
        const { wire, reason, says } = await target.tried({ clientId });
        must(reason === 0x86 || reason === 0x87, `CONNACK says ${reason}`);
        must(says !== '', 'it is not told why');
        must(await wire.closes(), 'the connection stays open');
      }
    },
  },
  {
    id: 'n1',
    title: 'uses topics and filters of 65,535 bytes: is answered',
    async attack(target) {
      const { id, wire } = await target.connected();
      const longest = `devices/${id}/`.padEnd(LONGEST, 'x');
      await wire.send(publishPacket({ topic: longest, qos: 1, id: 7, payload: '{}' }));
      const puback = await wire.next(Type.PUBACK);
      must(puback !== undefined || wire.isClosed, 'neither PUBACK nor the end');
      const { wire: reader } = await target.connected();
      const manyLevels = '#'.padStart(LONGEST, '+/');
      for (const [filter, isRefused] of [
        [longest, !target.server.isOpen], // it is another's
        [manyLevels, true],
      ] as const) {
        await reader.send(subscribePacket(1, [filter]));
        const code = (await reader.next(Type.SUBACK))?.at(-1);
        must(code !== undefined && code >= 0x80 === isRefused, `SUBACK says ${code}`);
      }
    },
  },
  {
    id: 'n2',
    title: 'subscribes 100,000 times: SUBACK 0x97 beyond what it may have, with the limit',
    async attack(target) {
      const { id, wire } = await target.connected();
      let granted = 0;
      for (let round = 0; round < 100; round++) {
        const filters = Array.from({ length: 1_000 }, (_, n) => `devices/${id}/commands/${round}-${n}/+`);
        await wire.send(subscribePacket(round + 1, filters));
        const suback = await wire.next(Type.SUBACK);
        const codes = [...(suback ?? [])].slice(-filters.length);
        granted += codes.filter((code) => code < 0x80).length;
        const says = reasonString(suback?.subarray(2));
        if (codes.some((code) => code >= 0x80)) {
          must(codes.at(-1) === QUOTA_EXCEEDED, `SUBACK says ${codes.at(-1)}`);
          must(/at most \d+ subscriptions/.test(says), `SUBACK says "${says}"`);
        }
      }
      must(granted <= 1_000, `${granted} are granted`);
      must(await target.isServed(wire), 'it is not served afterwards');
    },
  },
];
