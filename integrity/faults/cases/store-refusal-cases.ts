import { randomBytes } from 'node:crypto';
import { startInflux } from '../../../ops/services/influx-server.mjs';
import { checkRefused, deadLettersFromNow } from '../dead-letters.js';
import { TELEMETRY } from '../evidence.js';
import type { FaultCase } from '../fault-case.js';
import { PASS, StoreFront } from '../store-front.js';
import { frontOf, settled, tellInflux, whileStoreIs, withoutProblem } from './store-faults.js';

const PARTITIONS = 8;
const LIMIT_BYTES = 6_000;
/** More than the limit by itself; no text may be longer. */
const LARGE = Object.fromEntries(
  Array.from({ length: 8 }, (_, index) => [`text${index}`, 'x'.repeat(1_000)]),
);

/** What InfluxDB does not take, of a batch or at all, and what nobody can read. */
export const storeRefusalCases: readonly FaultCase[] = [
  {
    name: 'F26',
    title: 'a field type conflict (400, partial write) among good readings, 4 s',
    takesMs: 25_000,
    load: { badReadings: (n) => (n % 23 === 7 ? { spoilt: n } : undefined) },
    async run(context) {
      const { services, load, database, wait, faultEnded } = context;
      await tellInflux(
        services.influx.url,
        `/write?db=${database}`,
        'telemetry,device=other spoilt="a text"',
      );
      const refused = await deadLettersFromNow(context, 'storage');
      await withoutProblem(context, async () => {
        load.mixesInBad = true;
        await wait(4_000);
        load.mixesInBad = false;
        await settled(context);
      });
      checkRefused(context, await refused(), {
        code: 'store-refused',
        detail: /field type conflict.*"spoilt"/,
      });
      load.resume();
      faultEnded();
    },
  },
  {
    name: 'F27',
    title: `InfluxDB takes at most ${LIMIT_BYTES / 1000} KB (413), 4 s: batches are halved, a reading that is too large alone is refused`,
    takesMs: 30_000,
    load: { badReadings: (n) => (n % 23 === 7 ? LARGE : undefined) },
    async run(context) {
      const { load, wait, check, faultEnded } = context;
      const front = await frontOf(context);
      const refused = await deadLettersFromNow(context, 'storage');
      front.answer = ({ bytes }) =>
        bytes > LIMIT_BYTES ? { status: 413, error: 'Request Entity Too Large' } : undefined;
      await withoutProblem(context, async () => {
        load.mixesInBad = true;
        await wait(4_000);
        load.mixesInBad = false;
        await settled(context); // the limit stands until all of them are dealt with
      });
      front.answer = PASS;
      check(front.answeredAt.length > 0, 'no batch was too large');
      checkRefused(context, await refused(), { code: 'store-refused', detail: /too large/ });
      load.resume();
      faultEnded();
    },
  },
  {
    name: 'F28',
    title: 'the password of InfluxDB changed under load (401), and changed back after 5 s',
    takesMs: 40_000,
    async run(context) {
      const { services, installation, database } = context;
      const gate = await startInflux({ environment: { INFLUXDB_HTTP_AUTH_ENABLED: 'true' } });
      installation.beforeRemoval(() => gate.stop());
      const [root, ours, another] = Array.from({ length: 3 }, () => randomBytes(8).toString('hex'));
      const tell = (q: string): Promise<void> =>
        tellInflux(gate.url, `/query?u=root&p=${root}`, new URLSearchParams({ q }));
      await tell(`CREATE USER root WITH PASSWORD '${root}' WITH ALL PRIVILEGES`);
      await tell(`CREATE DATABASE "${database}"`);
      await tell(`CREATE USER gate WITH PASSWORD '${ours}'`);
      await tell(`GRANT ALL ON "${database}" TO gate`);
      const front = await StoreFront.open([gate.url, services.influx.url]);
      installation.beforeRemoval(() => front.stop());
      await installation.of('processors').stop();
      const url = `http://gate:${ours}@127.0.0.1:${front.port}/${database}`;
      await installation.start('processors', { FIELDGATE_INFLUX_URL: url });
      await context.reaches('they store with it', () => front.passedAt.length > 3, 40_000);
      const fault = {
        begin: () => tell(`SET PASSWORD FOR gate = '${another}'`),
        end: () => tell(`SET PASSWORD FOR gate = '${ours}'`),
      };
      await whileStoreIs('credentials', context, fault, 5_000);
    },
  },
  {
    name: 'F32',
    title: 'poison: records that nobody can read, from a foreign producer, in every partition',
    takesMs: 45_000,
    async run(context) {
      const { services, installation, random, between, wait, check, faultEnded } = context;
      const refused = await deadLettersFromNow(context, 'storage');
      const producer = services.kafka.producer();
      await producer.connect();
      const places: string[] = [];
      try {
        for (const [index, value] of poison(random).entries()) {
          await wait(between(0, 300));
          const key = index % 3 === 0 ? null : `foreign-${index}`;
          const messages = [{ key, value, partition: index % PARTITIONS }];
          for (const { partition, baseOffset } of await producer.send({ topic: TELEMETRY, messages }))
            places.push(`${partition}/${baseOffset}`);
        }
      } finally {
        await producer.disconnect();
      }
      await installation.of('processors').stop(); // the next ones look back over what these have read
      await installation.start('processors');
      await settled(context);
      const found = new Set((await refused()).map(({ place }) => place));
      const missing = places.filter((place) => !found.delete(place));
      check(missing.length === 0, `no dead letter of the records at ${missing.join(', ')}`);
      check(found.size === 0, `records were refused that are good: ${[...found].join(', ')}`);
      context.load.resume();
      faultEnded();
    },
  },
];

function poison(random: () => number): (Buffer | string | null)[] {
  const ours = (id: string, time: string): string =>
    `{"specversion":"1.0","type":"fieldgate.telemetry.v1","source":"/devices/foreign","subject":"foreign","id":"${id}","time":"${time}","receivedtime":"${time}","datacontenttype":"application/json","data":{"readings":{"n":1}}}`;
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random() * 256));
  return [
    bytes(200),
    bytes(1),
    bytes(100_000),
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"specversion":"1.0"}',
    null,
    ours(String.raw`a\xb`, '2026-01-01T00:00:00.000Z'),
    ours(String.raw`a\u12`, '2026-01-01T00:00:00.000Z'),
    ours('m-1', 'yesterday'),
    `${ours('m-1', '2026-01-01T00:00:00.000Z').slice(0, -1)},`,
    '{"__proto__":{"readings":1},"subject":7}',
    `${'['.repeat(50_000)}`,
  ];
}
