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
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
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
  expect(out).toMatch(/^DEVICE +TIME +TOPIC +PARTITION +OFFSET +METRICS\n/);
  expect(out).toMatch(
    /\npump-7 +2026-11-20T21:12:04.038Z +fieldgate.telemetry.v1 +3 +5 +temperature,speed\npump-7 +- +fieldgate.telemetry.v1 +3 +6 +-\n21 records/,
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

it('prints one object with --json', async () => {
  const answer = { ...NONE, checked: 1, missingTotal: 1, missing: [missing(5)] };
  const { out, code } = await verified([answer], '--json');
  expect(JSON.parse(out)).toEqual(answer);
  expect(code).toBe(1);
});

it('shows what became of everything that a device has sent', async () => {
  const log = { inLog: 9, duplicates: 1, late: 0, stored: 8, notStored: 0, waiting: 0, deadLetters: {} };
  const sent = { acknowledged: 9, unanswered: 0, dropped: 2, refused: { 'metric-name': 3 }, messages: 12 };
  const answer = {
    deviceId: 'pump-7',
    totals: { sent, log },
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
    earlier: { connections: 0, incomplete: 0, sent, log },
  };
  const { out, asked, code } = await ran(['show', 'pump-7'], [answer]);
  expect(asked).toEqual(['/v1/devices/pump-7/ledger']);
  expect(code).toBeUndefined();
  expect(out).toMatch(/\n2026-11-20T21:10:00.000Z +current +- +- +- +9 +8 +0 +0 +1 +0\nall +9 +3 +2 +9 +8 /);
  expect(out).toMatch(
    /\nrefused: metric-name 3\nseq: 8 missing: 804-810, 9; counted anew 1 time\n1 record acknowledged and not found in the log: a loss, when it stays\n$/,
  );
  expect(JSON.parse((await ran(['show', 'pump-7', '--json'], [answer])).out)).toEqual(answer);
});
