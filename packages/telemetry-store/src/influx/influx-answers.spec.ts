import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, systemClock, type Clock } from '@fieldgate/service';
import { event, T0, telemetry } from '../testing/records.js';
import type { TelemetryStore } from '../telemetry-store.js';
import { createInfluxStore } from './influx-store.js';

type Answer = { status: number; body: string; retryAfter?: string } | 'hang up';

const WELL: Answer = { status: 204, body: '' };
/** Points of the store's own (shard-probe.ts), which are there as far as anybody asks here. */
const PROBE = 'fieldgate_probe ';
const SECRET = 'p%40ss:wörd/"';

let answerWrite: (lines: string[]) => Answer;
let answerQuery: (query: string) => Answer;
let requests: { path: string; lines: string[] }[];
let probes: number;
let authorizations: Set<string | undefined>;
let server: ReturnType<typeof createServer>;
let store: TelemetryStore;

/** A server that answers as told, where a real one cannot be brought to do so. */
beforeEach(async () => {
  requests = [];
  authorizations = new Set();
  probes = 0;
  answerWrite = () => WELL;
  answerQuery = () => ({ status: 200, body: '{"results":[{"statement_id":0}]}' });
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const url = `http://gate:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/field%20gate`;
  store = createInfluxStore({ url, clock: systemClock, logger: createLogger({ level: 'silent' }) });
});

afterEach(async () => {
  await store.stop();
  server.closeAllConnections();
  server.close();
});

/** Another store at the same server. */
async function startedWith(monotonic: Clock): Promise<TelemetryStore> {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const url = `http://127.0.0.1:${port}/db`;
  const logger = createLogger({ level: 'silent' });
  const started = createInfluxStore({ url, clock: systemClock, logger, monotonic });
  await started.start();
  return started;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const part of request) body += String(part);
  const path = request.url ?? '';
  const lines = body.split('\n').filter((line) => line !== '');
  const query = new URLSearchParams(body === '' ? path.split('?')[1] : body).get('q') ?? '';
  const isProbe = lines[0]?.startsWith(PROBE) ?? false;
  const isOfProbe = isProbe || query.includes(`FROM ${PROBE}`);
  authorizations.add(request.headers.authorization);
  if (isProbe) probes += 1;
  if (!isOfProbe) requests.push({ path, lines });
  const told = isProbe
    ? WELL
    : isOfProbe
      ? probesFound(query)
      : path.startsWith('/write')
        ? answerWrite(lines)
        : answerQuery(query);
  if (told === 'hang up') response.destroy();
  else {
    if (told.retryAfter !== undefined) response.setHeader('retry-after', told.retryAfter);
    response.writeHead(told.status, { 'content-type': 'application/json' }).end(told.body);
  }
}

/** One for each statement. */
function probesFound(query: string): Answer {
  const series = [{ columns: ['time', 'probe'], values: [[0, 1]] }];
  const results = query.split(';').map((_, id) => ({ statement_id: id, series }));
  return { status: 200, body: JSON.stringify({ results }) };
}

function error(status: number, text: string): Answer {
  return { status, body: JSON.stringify({ error: text }) };
}

const batch = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    telemetry('pump', { n: index }, { timeMs: T0 + index, seq: 0 }),
  );

describe('what InfluxDB answers', () => {
  it('is addressed with the database and the credentials of the URL', async () => {
    await store.start();
    await store.write(batch(1));
    const written = requests.find(({ path }) => path.startsWith('/write'));
    expect(written?.path).toBe('/write?precision=ns&db=field%20gate');
    expect([...authorizations]).toEqual([`Basic ${Buffer.from(`gate:${SECRET}`).toString('base64')}`]);
  });

  it.each([
    [
      'a type conflict',
      (line: string) => /n=(3|17)\b/.test(line),
      (lines: number) =>
        `partial write: field type conflict: input field "n" on measurement "telemetry" is type float, already exists as type string dropped=${lines}`,
    ],
    [
      'a line that cannot be parsed',
      (line: string) => /n=(3|17)\b/.test(line),
      () => `partial write: unable to parse 'telemetry,device=pump n=3 1': bad timestamp dropped=0`,
    ],
  ])('%s: finds the records that are refused, and stores the others', async (_, isRefused, text) => {
    const stored = new Set<string>();
    answerWrite = (lines) => {
      const bad = lines.filter(isRefused);
      for (const line of lines) if (!isRefused(line)) stored.add(line);
      return bad.length === 0 ? WELL : error(400, text(bad.length));
    };
    await store.start();
    const { refused } = await store.write(batch(20));
    expect(refused.map(({ index, code }) => [index, code])).toEqual([
      [3, 'store-refused'],
      [17, 'store-refused'],
    ]);
    expect(refused[0]?.detail).toMatch(/partial write: /);
    expect(refused[0]?.detail).not.toContain('device=pump'); // the line is the payload
    expect(stored.size).toBe(18);
    expect(requests.length).toBeLessThan(30);
  });

  it('refuses a whole batch in one request when every point was dropped', async () => {
    answerWrite = (lines) =>
      error(400, `partial write: points beyond retention policy dropped=${lines.length}`);
    await store.start();
    const before = requests.length;
    expect((await store.write([...batch(500), event('pump')])).refused).toHaveLength(501);
    expect(requests.length - before).toBe(1);
  });

  it('halves what is too large for one request, and refuses alone what is too large by itself', async () => {
    answerWrite = (lines) =>
      lines.length > 3 || lines.some((line) => line.includes('n=5 '))
        ? error(413, 'Request Entity Too Large')
        : WELL;
    await store.start();
    expect((await store.write(batch(10))).refused.map(({ index }) => index)).toEqual([5]);
  });

  it.each<[string, Answer, RegExp]>([
    ['401', error(401, 'authorization failed'), /refuses the user and password.*401/],
    ['404', error(404, 'database not found: "field gate"'), /no such database/],
    ['500', error(500, 'timeout'), /HTTP 500.*timeout/],
    ['503 of a proxy', { status: 503, body: '<html>busy</html>' }, /HTTP 503/],
    ['a 400 that is not InfluxDB’s own', { status: 400, body: '<html>Bad Request</html>' }, /HTTP 400/],
    ['a broken connection', 'hang up', /does not answer: socket hang up/],
  ])(
    '%s: is a store that is away, worth a retry, and says so without the password',
    async (_, told, sentence) => {
      await store.start();
      expect(store.problem()).toBeUndefined();
      answerWrite = () => told;
      await expect(store.write(batch(2))).rejects.toEqual(
        expect.objectContaining({
          code: 'store-unavailable',
          retriable: true,
          message: expect.stringMatching(sentence),
        }),
      );
      expect(store.problem()).toMatch(sentence);
      expect(store.problem()).toContain('127.0.0.1');
      expect(store.problem()).not.toMatch(/wörd|w%C3|gate:/);
      answerWrite = () => WELL;
      await store.write(batch(2));
      expect(store.problem()).toBeUndefined();
    },
  );

  it('is left alone by all partitions for as long as Retry-After says', async () => {
    let nowMs = 0;
    const patient = await startedWith({ now: () => nowMs });
    const asked = () =>
      requests.filter(({ path, lines }) => path.startsWith('/write') && lines.length > 0).length;
    const unavailable = expect.objectContaining({ code: 'store-unavailable', retriable: true });
    answerWrite = () => ({ status: 429, body: '{"error":"rate limit"}', retryAfter: '7' });
    await expect(patient.write(batch(1))).rejects.toEqual(unavailable);
    answerWrite = () => WELL;
    nowMs = 6_999;
    await expect(patient.write(batch(2))).rejects.toEqual(unavailable);
    expect(asked()).toBe(1);
    expect(patient.problem()).toMatch(/HTTP 429/);
    nowMs = 7_000;
    await patient.write(batch(2));
    expect(asked()).toBe(2);
    expect(patient.problem()).toBeUndefined();
    await patient.stop();
  });

  it('is looked at where nothing was written a moment ago, and after a failure', async () => {
    let nowMs = 0;
    const store = await startedWith({ now: () => nowMs });
    for (; nowMs < 6_000; nowMs += 1_500) await store.write(batch(1));
    expect(probes).toBe(1);
    answerWrite = () => error(500, 'timeout');
    await expect(store.write(batch(1))).rejects.toThrow(/timeout/);
    answerWrite = () => WELL;
    await store.write(batch(1));
    expect(probes).toBe(2);
    await store.stop();
  });

  it('is the reason why nothing can be read or written: wrong credentials are found out by a look, too', async () => {
    answerQuery = () => error(401, 'authorization failed');
    answerWrite = () => error(401, 'authorization failed');
    await store.start();
    expect(store.problem()).toMatch(/refuses the user and password of its address \(HTTP 401\)/);
  });

  it('starts without the server, creates the database when it is there, and finds out by itself', async () => {
    answerQuery = () => 'hang up';
    await store.start();
    expect(store.problem()).toMatch(/socket hang up/);
    await expect(store.latest('pump')).rejects.toEqual(
      expect.objectContaining({ code: 'store-unavailable' }),
    );
    const created = new Promise<string>((resolve) => {
      answerQuery = (query) => {
        if (query.startsWith('create')) resolve(query);
        return {
          status: 200,
          body: query.startsWith('SHOW')
            ? '{"results":[{"statement_id":0,"error":"database not found: field gate"}]}'
            : '{"results":[{"statement_id":0}]}',
        };
      };
    });
    expect(await created).toBe('create database "field gate"'); // nobody wrote or asked: the store looked
  });

  it.each([
    ['an error of a statement', { status: 200, body: '{"results":[{"statement_id":0,"error":"timeout"}]}' }],
    ['something else', { status: 200, body: '{"hello":"world"}' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['HTTP 401', error(401, 'authorization failed')],
  ])('%s to a query: store-unavailable', async (_, told) => {
    await store.start();
    answerQuery = () => told;
    const range = { fromMs: 0, toMs: T0, limit: 1 };
    const unavailable = expect.objectContaining({ code: 'store-unavailable', retriable: true });
    await expect(store.latest('pump')).rejects.toEqual(unavailable);
    await expect(store.series({ deviceId: 'pump', metrics: ['n'], ...range })).rejects.toEqual(unavailable);
    await expect(store.events(range)).rejects.toEqual(unavailable);
    await expect(store.command('x')).rejects.toEqual(unavailable);
  });
});
