import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createLogger, systemClock } from '@fieldgate/service';
import { InfluxDB } from 'influx';
import { startInflux } from '../../../../ops/services/influx-server.mjs';
import { event, freshDevice, T0, telemetry } from '../testing/records.js';
import type { SaidRecord, TelemetryStore } from '../telemetry-store.js';
import { createInfluxStore } from './influx-store.js';
import { readingTime } from './point-time.js';

const real = process.env['FIELDGATE_TEST_INFLUX'];
if (real === undefined) throw new Error('FIELDGATE_TEST_INFLUX is not set: run npm run test:services');
const unavailable = expect.objectContaining({ code: 'store-unavailable', retriable: true });

/** What stands at the beginning of a point of the store's own. */
const PROBE = 'fieldgate_probe ';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('a real InfluxDB', () => {
  it('has everything once when its answers were lost and the batches came again', async () => {
    let answersLost = 0;
    const front = await between(real, {
      isLost: ({ path, body }) =>
        path.startsWith('/write') && !body.startsWith(PROBE) && answersLost++ % 2 === 0,
    });
    const store = await openStore(`${front}/fieldgate_test_${randomBytes(6).toString('hex')}`);
    const deviceId = freshDevice();
    const batch = [
      ...Array.from({ length: 200 }, (_, index) =>
        telemetry(
          deviceId,
          { t: index, on: true, mode: 'x' },
          { timeMs: T0 + (index >> 2), id: `own-${index}` },
        ),
      ),
      event(deviceId),
    ];
    for (let round = 0; round < 3; round++) {
      await expect(store.write(batch)).rejects.toEqual(unavailable);
      await store.write(batch);
    }
    expect(answersLost).toBe(6);
    const series = await store.series({ deviceId, fromMs: 0, toMs: T0 * 2, limit: 10_000 });
    expect(series.map(({ points }) => points.length)).toEqual([200, 200, 200]);
    expect(await store.events({ deviceId, fromMs: 0, toMs: T0 * 2, limit: 10 })).toHaveLength(1);
    expect(store.problem()).toBeUndefined();
  });

  it('has what was written when it has answered a first write and kept nothing of it', async () => {
    let writes = 0;
    const front = await between(real, {
      isSwallowed: ({ path }) => path.startsWith('/write') && (writes += 1) === 1,
    });
    const store = await openStore(`${front}/fieldgate_test_${randomBytes(6).toString('hex')}`);
    const deviceId = freshDevice();
    const batch = [telemetry(deviceId, { t: 1 }), event(deviceId)];
    await store.write(batch);
    expect(await store.missing(batch as SaidRecord[])).toEqual([]); // all are said
    expect(writes).toBe(3);
  });

  it('that keeps nothing of what it takes is as good as away', async () => {
    let isSwallowed = true;
    const front = await between(real, {
      isSwallowed: ({ path }) => path.startsWith('/write') && isSwallowed,
    });
    const store = await openStore(`${front}/fieldgate_test_${randomBytes(6).toString('hex')}`);
    const batch = [telemetry(freshDevice(), { t: 1 })];
    await expect(store.write(batch)).rejects.toEqual(unavailable);
    expect(store.problem()).toMatch(/is not there/);
    isSwallowed = false;
    await store.write(batch);
    expect(store.problem()).toBeUndefined();
    expect(await store.missing(batch as SaidRecord[])).toEqual([]);
  });

  it('finds a record whose place was taken, and misses the one that is not there', async () => {
    const store = await openStore(`${real}/fieldgate_test_${randomBytes(6).toString('hex')}`);
    const deviceId = freshDevice();
    const [first = '', second = '', third = ''] = meetingIds(3);
    const reading = (id: string, t: number) => telemetry(deviceId, { t }, { id });
    await store.write([reading(first, 1), reading(second, 2)]);
    const said = [reading(first, 1), reading(second, 2), reading(third, 3)] as SaidRecord[]; // all are readings
    expect(await store.missing(said)).toEqual([{ index: 2, metrics: ['t'] }]);
    const [series] = await store.series({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 });
    expect(series?.points.map(([, value]) => value).toSorted((a, b) => Number(a) - Number(b))).toEqual([
      1, 2,
    ]);
  });

  it('that refuses the password, or the right to write, keeps the batch waiting until it is mended', async () => {
    const server = await startInflux({ environment: { INFLUXDB_HTTP_AUTH_ENABLED: 'true' } });
    cleanUps.push(() => server.stop());
    const { hostname, port } = new URL(server.url);
    const anonymous = new InfluxDB({ host: hostname, port: Number(port) });
    await anonymous.createUser('root', 'root-secret', true);
    const admin = new InfluxDB({
      host: hostname,
      port: Number(port),
      username: 'root',
      password: 'root-secret',
    });
    await admin.createDatabase('plant');
    await admin.createUser('gate', 'another-secret');
    const store = await openStore(`http://gate:gate-secret@${hostname}:${port}/plant`);
    const batch = [telemetry('pump', { t: 1 })];

    expect(store.problem()).toMatch(/refuses the user and password .*401/); // found at the start, before any write
    await expect(store.write(batch)).rejects.toEqual(unavailable);
    await admin.setPassword('gate', 'gate-secret');
    await admin.grantPrivilege('gate', 'READ', 'plant');
    await expect(store.write(batch)).rejects.toEqual(unavailable);
    expect(store.problem()).toMatch(/refuses the user and password .*403/);
    await admin.query('GRANT ALL ON "plant" TO "gate"', { database: 'plant' });
    await store.write(batch);
    expect(store.problem()).toBeUndefined();
    expect(await store.latest('pump')).toEqual([{ metric: 't', timeMs: T0, value: 1 }]);
  }, 60_000);
});

/** Ids of one millisecond that lead to one place, found by trying. */
function meetingIds(count: number): readonly string[] {
  const byTime = new Map<string, string[]>();
  for (let number = 0; ; number++) {
    const id = `own-${number}`;
    const time = readingTime({ id, timeMs: T0 });
    const ids = byTime.get(time) ?? [];
    byTime.set(time, ids);
    if (ids.push(id) === count) return ids;
  }
}

async function openStore(url: string): Promise<TelemetryStore> {
  const store = createInfluxStore({ url, clock: systemClock, logger: createLogger({ level: 'silent' }) });
  await store.start();
  cleanUps.push(() => store.stop());
  return store;
}

interface Asked {
  readonly path: string;
  readonly body: string;
}

interface Wrongs {
  /** Done, and the connection breaks instead of the answer. */
  readonly isLost?: (asked: Asked) => boolean;
  /** Answered as if it were done. */
  readonly isSwallowed?: (asked: Asked) => boolean;
}

/** A server in front of another one, which does wrong where it is told so. */
async function between(
  target: string,
  { isLost = () => false, isSwallowed = () => false }: Wrongs,
): Promise<string> {
  const server: Server = createServer((asked, answered) => {
    void text(asked).then((body) => {
      const path = asked.url ?? '/';
      if (isSwallowed({ path, body })) return void answered.writeHead(204).end();
      const sent = request(
        new URL(path, target),
        { method: asked.method ?? 'GET', headers: asked.headers },
        (answer) => pass(answer, answered, isLost({ path, body })),
      );
      sent.on('error', () => answered.destroy());
      sent.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return `http://127.0.0.1:${port}`;
}

function pass(answer: IncomingMessage, answered: ServerResponse, isLost: boolean): void {
  if (isLost) {
    answer.resume().once('end', () => answered.destroy());
    return;
  }
  answered.writeHead(answer.statusCode ?? 500, answer.headers);
  answer.pipe(answered);
}
