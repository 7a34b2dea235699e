import {
  mintedId,
  missingSeq,
  noCounters,
  unaccountedRecords,
  type LedgerCounters,
  type LedgerReport,
} from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { DeviceFold } from './device-fold.js';

const TOPIC = 'fieldgate.telemetry.v1';
const START = Date.parse('2026-11-20T21:30:00.000Z');
let device: DeviceFold;
let now: number;
let offset: number;
beforeEach(() => {
  device = new DeviceFold('pump-7');
  now = START;
  offset = 0;
});

function record(connection: string, id = `id-${offset}`, more: { seq?: number } = {}): void {
  now += 10;
  device.record({ topic: TOPIC, offset }, { connection, id, timeMs: now, receivedMs: now, ...more });
  offset += 1;
}

function minted(connection: string, number: number, more: { seq?: number } = {}): void {
  record(connection, mintedId('boot', number), more);
}

function report(
  connection: string,
  counters: Partial<LedgerCounters>,
  more: Partial<LedgerReport> = {},
): void {
  const of = { gateway: 'gw-1', boot: 'boot', number: 1, from: START, to: now, final: true };
  device.report({ connection, ...of, ...more, counters: { ...noCounters(), ...counters } });
}

/** Enough of them for all others to be summed up. */
function newer(): void {
  for (let each = 0; each < 20; each += 1) record(`newer-${each}-${now}`);
}

const unaccounted = (): number => unaccountedRecords(device.ledger());

describe('connections that are summed up', () => {
  beforeEach(() => {
    for (let each = 0; each < 2; each += 1) record('loses');
    report('loses', { acknowledged: 7 });
    for (let each = 0; each < 500; each += 1) record('its gateway died');
    report('its gateway died', { acknowledged: 3 }, { final: false });
    newer();
  });

  it('do not make up for each other', () => {
    expect(device.ledger().earlier).toMatchObject({ connections: 2, incomplete: 1, log: { inLog: 502 } });
    expect(unaccounted()).toBe(5);
  });

  it('lose less when a record comes late, and are not begun again', () => {
    for (let each = 0; each < 3; each += 1) record('loses');
    expect(unaccounted()).toBe(2);
    device.refused('loses', { id: mintedId('boot', 9), code: 'value-type', atMs: now }, 2);
    expect(unaccounted()).toBe(0);
    const { connections, earlier } = device.ledger();
    expect(connections.map(({ connection }) => connection)).not.toContain('loses');
    expect(earlier).toMatchObject({ connections: 2, log: { inLog: 505, deadLetters: { 'value-type': 2 } } });
    for (let each = 0; each < 3; each += 1) record('its gateway died');
    expect(unaccounted()).toBe(0);
  });

  it('have their last report, also when it comes late, and nothing of it twice', () => {
    report('its gateway died', { acknowledged: 501, refused: { 'value-type': 2 } }, { number: 2 });
    report('its gateway died', { acknowledged: 4 }, { number: 1, final: false });
    expect(device.ledger().earlier).toMatchObject({
      incomplete: 0,
      counters: { acknowledged: 508, refused: { 'value-type': 2 } },
    });
    expect(unaccounted()).toBe(8);
  });

  it('are complete once, however often their gateway says so', () => {
    for (const number of [2, 3]) report('its gateway died', { acknowledged: 501 }, { number });
    expect(device.ledger().earlier.incomplete).toBe(0);
    report('loses', { acknowledged: 8 }, { number: 2 });
    expect(device.ledger().earlier.incomplete).toBe(0);
    expect(unaccounted()).toBe(7);
  });

  it('are remembered by name only as far as more may come, and the newest 8 of those', () => {
    for (let each = 0; each < 30; each += 1) {
      record(`c-${each}`);
      report(`c-${each}`, { acknowledged: each % 2 === 0 ? 3 : 1 });
    }
    newer();
    const { earlier } = device.ledger();
    expect(earlier.open.map(({ connection }) => connection)).toEqual(
      Array.from({ length: 8 }, (_, n) => `c-${14 + 2 * n}`),
    );
    expect(unaccounted()).toBe(5 + 30);
  });
});

it('what comes late is found, also of more connections than are remembered by name: their reports came before it', () => {
  for (let each = 0; each < 40; each += 1)
    report(`c-${each}`, { acknowledged: 4, refused: { 'value-type': 1 } }, { to: (now += 10_000) });
  expect(unaccounted()).toBe(200);
  for (let each = 0; each < 40; each += 1) {
    now = START + 10_000 * each;
    for (let n = 0; n < 4; n += 1) record(`c-${each}`);
    if (each === 2) expect(unaccounted()).toBe(186);
    device.refused(`c-${each}`, { id: mintedId('boot', each), code: 'value-type', atMs: now }, 1);
  }
  expect(unaccounted()).toBe(0);
  const log = { inLog: 80, deadLetters: { 'value-type': 20 } };
  expect(device.ledger().earlier).toMatchObject({ connections: 20, incomplete: 0, unaccounted: 0, log });
  expect(device.ledger().connections).toHaveLength(20);
});

describe('a connection that comes when 20 newer ones have taken the places', () => {
  beforeEach(() => {
    newer();
    now = START - 3_600_000;
  });

  it('is summed up and compared', () => {
    for (let each = 0; each < 3; each += 1) record('late');
    report('late', { acknowledged: 4, refused: { 'value-type': 1 } }, { from: now, final: false });
    expect(unaccounted()).toBe(2);
    device.refused('late', { id: mintedId('boot', 9), code: 'value-type', atMs: now }, 1);
    report('late', { acknowledged: 4, refused: { 'value-type': 1 } }, { from: now, number: 2 });
    expect(unaccounted()).toBe(1);
    const { connections, earlier } = device.ledger();
    expect(connections.map(({ connection }) => connection)).not.toContain('late');
    const counted = { connections: 1, incomplete: 0, log: { inLog: 3 }, counters: { acknowledged: 4 } };
    expect(earlier).toMatchObject(counted);
  });

  it('is none when only its report or a letter of the storage group comes: those may be of one that was found', () => {
    report('late', { acknowledged: 4 }, { from: now });
    device.notStored(TOPIC, { connection: 'late', id: undefined, atMs: now });
    expect(device.ledger().earlier).toMatchObject({ connections: 0, incomplete: 0, open: [] });
    expect(unaccounted()).toBe(0);
  });
});

describe('what storage has refused and an operator drives again', () => {
  function over(connection: string | undefined, id: string): void {
    now += 10;
    device.record({ topic: TOPIC, offset: offset++ }, { connection, id, timeMs: now, receivedMs: now });
  }

  it.each([['id-of-the-device'], [mintedId('boot', 1)]])('is no copy of %s, unless twice', (id) => {
    over('one', id);
    for (let times = 0; times < 2; times += 1) {
      device.notStored(TOPIC, { connection: times === 0 ? 'one' : undefined, id, atMs: now });
      over(undefined, id);
    }
    over(undefined, id);
    const { connections, others } = device.ledger();
    expect([connections[0]?.log, others]).toMatchObject([
      { inLog: 1, duplicates: 0, notStored: 1 },
      { inLog: 3, duplicates: 1, notStored: 1 },
    ]);
  });
});

describe('what a gateway has written twice', () => {
  it('is a copy, and does not stand for a record that is lost', () => {
    for (const number of [1, 2, 4, 2, 4, 7]) minted('one', number);
    report('one', { unasked: 5 });
    expect(device.ledger().connections).toMatchObject([{ log: { inLog: 6, duplicates: 2, rewritten: 2 } }]);
    expect(unaccounted()).toBe(1);
    device.storedUpTo(TOPIC, { committed: offset, before: 0, earliest: 0 });
    expect(device.ledger().connections[0]?.log.stored).toBe(4);
  });

  it('is a copy however much it is, and its numbers are not those of a device that counts anew', () => {
    for (let round = 0; round < 2; round += 1)
      for (let seq = 1; seq <= 500; seq += 1) minted('one', seq, { seq });
    const { connections, sequence } = device.ledger();
    expect(connections).toMatchObject([{ log: { inLog: 1_000, duplicates: 500 } }]);
    expect([missingSeq(sequence), sequence.restarts]).toEqual([0, 0]);
  });

  it('is none in another topic or over another connection', () => {
    minted('one', 7);
    minted('two', 3);
    device.record(
      { topic: 'fieldgate.events.v1', offset: 0 },
      { connection: 'one', id: mintedId('boot', 5), timeMs: now, receivedMs: now },
    );
    device.refused('one', { id: mintedId('boot', 6), code: 'value-type', atMs: now }, 1);
    expect(device.ledger().connections).toMatchObject([
      { log: { inLog: 2, duplicates: 0, deadLetters: { 'value-type': 1 } } },
      { log: { inLog: 1, duplicates: 0 } },
    ]);
  });

  it('is none of what the next run of the gateway publishes over a connection of before: its will', () => {
    for (const number of [1, 2, 3]) minted('one', number);
    record('one', mintedId('next', 1));
    record('one', mintedId('next', 1));
    device.refused('one', { id: mintedId('boot', 4), code: 'value-type', atMs: now }, 1);
    device.refused('one', { id: mintedId('next', 2), code: 'value-type', atMs: now }, 1);
    expect(device.ledger().connections).toMatchObject([
      { log: { inLog: 5, duplicates: 1, rewritten: 1, deadLetters: { 'value-type': 2 } } },
    ]);
  });

  it('is one dead letter', () => {
    for (const number of [1, 2, 1, 2, 3])
      device.refused('one', { id: mintedId('boot', number), code: 'value-type', atMs: now }, 2);
    report('one', { refused: { 'value-type': 8 } });
    expect(device.ledger().connections).toMatchObject([{ log: { deadLetters: { 'value-type': 6 } } }]);
    expect(unaccounted()).toBe(2);
  });

  it('is known as such by the next holder', () => {
    minted('one', 1);
    minted('one', 2);
    const next = {
      'fieldgate.telemetry.v1': 2,
      'fieldgate.events.v1': 0,
      'fieldgate.dead-letters.v1': 0,
      'fieldgate.ledger.v1': 0,
    };
    device = new DeviceFold('pump-7', structuredClone(device.row(next)));
    minted('one', 2);
    minted('one', 3);
    expect(device.ledger().connections).toMatchObject([{ log: { inLog: 4, duplicates: 1 } }]);
  });
});
