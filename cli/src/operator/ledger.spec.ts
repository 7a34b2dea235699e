import { afterEach, expect, it, jest } from '@jest/globals';
import { Command } from 'commander';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addLedgerCommands } from './ledger.js';

const missing = (offset: number, more: object = {}): object => ({
  deviceId: 'pump-7',
  topic: 'fieldgate.telemetry.v1',
  partition: 3,
  offset,
  appendedAt: '2026-11-20T21:12:04.125Z',
  id: `id-${offset}`,
  time: '2026-11-20T21:12:04.038Z',
  receivedAt: '2026-11-20T21:12:04.121Z',
  metrics: ['temperature', 'speed'],
  ...more,
});

const NONE = {
  from: '2026-11-20T21:00:00.000Z',
  to: '2026-11-20T21:30:00.000Z',
  checked: 0,
  stored: 0,
  refused: 0,
  duplicates: 0,
  pending: 0,
  missingTotal: 0,
  missing: [],
};

afterEach(() => {
  process.exitCode = undefined;
});

/** What `ledger verify` does when the API answers these, one after another. */
function verified(answers: readonly object[], ...flags: string[]) {
  return ran(['verify'].concat(flags), answers);
}

async function ran(words: readonly string[], answers: readonly object[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const answer = answers[asked.length];
    asked.push(request.url ?? '');
    const status = answer !== undefined && 'status' in answer ? Number(answer.status) : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const program = new Command();
    addLedgerCommands(program);
    const where = ['--http', `http://127.0.0.1:${port}`, '--admin-key', 'key'];
    await program.parseAsync(['ledger'].concat(words, where), { from: 'user' });
    const out = write.mock.calls.map(([text]) => String(text)).join('');
    return { out, asked, code: process.exitCode };
  } finally {
    write.mockRestore();
    server.close();
  }
}

it('ends well when nothing is missing', async () => {
  const { out, code, asked } = await verified([{ ...NONE, checked: 2, stored: 1, pending: 1 }]);
  expect(out).toBe(
    'nothing is missing\n2 records from 2026-11-20T21:00:00.000Z to 2026-11-20T21:30:00.000Z: 1 stored, 0 refused, 0 sent again, 1 not reached yet, 0 missing\n' +
      'Ask again when the storing side has caught up: see /readyz of the processors.\n',
  );
  expect(code).toBeUndefined();
  expect(asked).toEqual(['/v1/ledger/verify?limit=1000']);
});

it('names what is missing, of all parts of a long range, and ends with 1', async () => {
  const { out, code, asked } = await verified(
    [
      { ...NONE, checked: 10, stored: 9, missingTotal: 1, missing: [missing(5)], next: 'telemetry-3-9' },
      { ...NONE, checked: 7, refused: 7, next: 'events-0-0' },
      {
        ...NONE,
        checked: 4,
        duplicates: 2,
        missingTotal: 2,
        missing: [missing(6, { time: undefined, metrics: [] }), missing(7)],
      },
    ],
    '--limit',
    '2',
    '--device',
    'pump-7',
    '--from',
    '1795208400000',
  );
  expect(out).toMatch(/^DEVICE +TIME +TOPIC +PARTITION +OFFSET +METRICS OR ID\n/);
  expect(out).toMatch(
    /\npump-7 +2026-11-20T21:12:04.038Z +fieldgate.telemetry.v1 +3 +5 +temperature,speed\npump-7 +- +fieldgate.telemetry.v1 +3 +6 +id-6\n21 records/,
  );
  expect(out).toMatch(
    /: 9 stored, 7 refused, 2 sent again, 0 not reached yet, 3 missing, of which 2 are named\nThe log still has these/,
  );
  expect(code).toBe(1);
  const rest = 'from=2026-11-20T21%3A00%3A00.000Z&to=2026-11-20T21%3A30%3A00.000Z';
  expect(asked).toEqual([
    '/v1/ledger/verify?from=1795208400000&device=pump-7&limit=2',
    `/v1/ledger/verify?${rest}&start=telemetry-3-9&device=pump-7&limit=2`,
    `/v1/ledger/verify?${rest}&start=events-0-0&device=pump-7&limit=2`,
  ]);
});

it('does not say that nothing is missing where nothing was compared', async () => {
  const { out, code } = await verified([NONE]);
  expect(out).toMatch(
    /^nothing came into the log in this range: there is nothing to compare\n0 records from .*\nThe range ends a minute ago: /,
  );
  expect(code).toBeUndefined();
  const told = await verified([NONE], '--to', '2026-11-20T21:30:00Z');
  expect(told.out).toMatch(/^nothing came into the log .*\n0 records from .* 0 missing\n$/);
  expect((await verified([NONE], '--device', 'pump-8')).out).toMatch(/^nothing of pump-8 came into the log/);
});

it('says since when the log has all readings, also when it has dropped more meanwhile', async () => {
  const some = { ...NONE, checked: 1, stored: 1 };
  const { out } = await verified([
    { ...some, readingsFrom: '2026-11-20T21:10:00.000Z', next: 'telemetry-3-9' },
    { ...some, readingsFrom: '2026-11-20T21:11:00.000Z', next: 'events-0-0' },
    some,
  ]);
  expect(out).toMatch(
    /\nOf the readings of before 2026-11-20T21:11:00.000Z some have gone from the log: they were not compared.\n$/,
  );
  expect((await verified([some])).out).not.toContain('gone');
});

it('goes on when the API was away for a moment, and does not begin anew', async () => {
  const away = {
    status: 503,
    code: 'too-many-requests',
    detail: '2 verifications are under way here already',
  };
  const { out, code, asked } = await verified([
    { ...NONE, checked: 10, stored: 10, next: 'telemetry-3-9' },
    away,
    { ...NONE, checked: 4, stored: 4 },
  ]);
  expect(out).toMatch(/^nothing is missing\n14 records/);
  expect(code).toBeUndefined();
  expect(asked.map((url) => url.includes('start=telemetry-3-9'))).toEqual([false, true, true]);
});

it('ends with 3 when the API is away from the beginning', async () => {
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { out, code, asked } = await verified([{ status: 503, code: 'not-ready', detail: 'catching up' }]);
  const [said] = write.mock.calls.map(([text]) => String(text));
  write.mockRestore();
  expect({ out, code, asked: asked.length }).toEqual({ out: '', code: 3, asked: 1 });
  expect(said).toMatch(/^fieldgate: catching up \[not-ready\]/);
});

it('prints one object with --json', async () => {
  const answer = { ...NONE, checked: 1, missingTotal: 1, missing: [missing(5)] };
  const { out, code } = await verified([answer], '--json');
  expect(JSON.parse(out)).toEqual(answer);
  expect(code).toBe(1);
});

const NO_LOG = { inLog: 0, duplicates: 0, late: 0, stored: 0, notStored: 0, waiting: 0, deadLetters: {} };
const NO_SENT = {
  messages: 0,
  received: 0,
  acknowledged: 0,
  unanswered: 0,
  unasked: 0,
  dropped: 0,
  answers: 0,
  refused: {},
};
const NO_LEDGER = {
  deviceId: 'pump-7',
  totals: { sent: NO_SENT, log: NO_LOG },
  unaccounted: 0,
  seq: { restarts: 0, missing: 0, gaps: [] },
  connections: [],
  earlier: { connections: 0, incomplete: 0, sent: NO_SENT, log: NO_LOG },
  others: NO_LOG,
};

it('shows what became of everything that a device has sent, so that a reader can add it up', async () => {
  const log = { ...NO_LOG, inLog: 9, stored: 8, duplicates: 1 };
  const sent = {
    ...NO_SENT,
    received: 16,
    acknowledged: 8,
    unanswered: 2,
    unasked: 1,
    dropped: 2,
    refused: { 'metric-name': 3 },
  };
  const answer = {
    ...NO_LEDGER,
    totals: { sent, log: { ...log, inLog: 20, stored: 18, duplicates: 2 } },
    unaccounted: 1,
    seq: {
      restarts: 1,
      missing: 8,
      gaps: [
        { from: 804, to: 810 },
        { from: 9, to: 9 },
      ],
    },
    connections: [{ connection: 'c', counters: 'current', from: '2026-11-20T21:10:00.000Z', log }],
    earlier: { connections: 1, incomplete: 0, sent, log },
    others: { ...NO_LOG, inLog: 2, stored: 2 },
  };
  const { out, asked, code } = await ran(['show', 'pump-7'], [answer]);
  expect(asked).toEqual(['/v1/devices/pump-7/ledger']);
  expect(code).toBeUndefined();
  const [heads = '', live = '', earlier = '', others = '', all = ''] = out.split('\n');
  expect(heads.split(/ {2,}/)).toEqual([
    'CONNECTION FROM',
    'COUNTERS',
    'RECEIVED',
    'ACKNOWLEDGED',
    'UNANSWERED',
    'QOS 0',
    'DROPPED',
    'REFUSED',
    'IN LOG',
    'STORED',
    'DUPLICATES',
  ]);
  expect(live.split(/ {2,}/).join(' ')).toBe('2026-11-20T21:10:00.000Z current - - - - - - 9 8 1');
  expect(earlier.split(/ {2,}/).join(' ')).toBe('earlier 1 connection 16 8 2 1 2 3 9 8 1');
  expect(others).toMatch(/^no connection +- +- +- +- +- +- +2 +2 +0$/);
  expect(all).toMatch(/^all +16 +8 +2 +1 +2 +3 +20 +18 +2$/);
  expect(out).toMatch(
    /\nrefused: metric-name 3\nseq: 8 missing: 804-810, 9; counted anew 1 time\n1 record acknowledged and not found in the log: a loss, when it stays\n$/,
  );
  expect(JSON.parse((await ran(['show', 'pump-7', '--json'], [answer])).out)).toEqual(answer);
});

it('says that a device has sent nothing', async () => {
  const { out, code } = await ran(['show', 'pump-7'], [NO_LEDGER]);
  expect(out).toBe('nothing of pump-7 has been counted: it has sent nothing, or only seconds ago\n');
  expect(code).toBeUndefined();
});
