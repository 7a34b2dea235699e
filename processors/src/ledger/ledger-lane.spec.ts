import {
  encodeDeadLetter,
  encodeEvent,
  encodeLedgerReport,
  encodeTelemetry,
  identify,
  ledgerStateSchema,
  missingSeq,
  tableRows,
  telemetryWriter,
  unaccountedRecords,
  type DeviceLedger,
  type LedgerReport,
  type LogTopic,
} from '@fieldgate/contracts';
import { appended, type LogBatch } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { batchOf, recordsOf } from '../testing/written.js';
import { LedgerLane } from './ledger-lane.js';

const START = Date.parse('2026-11-20T21:30:00.000Z');
const TELEMETRY = 'fieldgate.telemetry.v1';
const clock = { ms: START, now: (): number => clock.ms };
let log: MemoryLog;
let minted: number;
beforeEach(async () => {
  clock.ms = START;
  minted = 0;
  log = createMemoryLog({ clock });
  await log.start();
});

async function write(topic: LogTopic, value: Uint8Array, key = 'pump-7'): Promise<number> {
  return (await appended(log.writer, { topic, key, value })).offset;
}

/** As a gateway writes it; `agoMs`: measured so long before it came. */
function reading(
  seq: number | undefined,
  more: { agoMs?: number; connection?: string; id?: string; key?: string } = {},
): Promise<number> {
  const { agoMs = 1, connection = 'one', id, key = 'pump-7' } = more;
  clock.ms += 10;
  const ts = clock.ms - agoMs;
  const message = {
    readings: { n: 1 },
    ts,
    ...(seq === undefined ? {} : { seq }),
    ...(id === undefined ? {} : { id }),
  };
  const identity = identify(message, clock.ms, () => `~boot-${(minted += 1)}`);
  return write(
    TELEMETRY,
    encodeTelemetry(telemetryWriter(key, 'gw-1', connection), message, identity, clock.ms),
    key,
  );
}

function event(seq: number, name = 'hot', connection?: string): Promise<number> {
  clock.ms += 10;
  const told = { deviceId: 'pump-7', event: name, state: 'raised', severity: 'info', seq } as const;
  const over = connection === undefined ? {} : { connection };
  return write(
    'fieldgate.events.v1',
    encodeEvent({ ...told, ...over }, { id: `e-${clock.ms}`, timeMs: clock.ms }, clock.ms),
  );
}

function report(
  counters: Partial<LedgerReport['counters']>,
  more: Partial<LedgerReport> = {},
): Promise<number> {
  const none = {
    messages: 0,
    received: 0,
    acknowledged: 0,
    unanswered: 0,
    unasked: 0,
    dropped: 0,
    answers: 0,
    refused: {},
  };
  const of = {
    connection: 'one',
    gateway: 'gw-1',
    boot: 'b00t',
    number: 1,
    from: START,
    to: clock.ms,
    final: false,
  };
  return write(
    'fieldgate.ledger.v1',
    encodeLedgerReport('pump-7', { ...of, ...more, counters: { ...none, ...counters } }),
  );
}

/** All that is in the log now, counted by a new holder of the partition; `from` is the offset of the group. */
async function recovered(from = 0): Promise<{ lane: LedgerLane; batch: LogBatch }> {
  const batch = await batchOf(log, TELEMETRY, from);
  return { lane: await LedgerLane.recover(batch, log, clock), batch };
}

async function counted(from = 0): Promise<LedgerLane> {
  const { lane, batch } = await recovered(from);
  await lane.follow(batch.records);
  const [bounds] = await log.reader.bounds(TELEMETRY);
  await lane.followSide(bounds?.end ?? 0);
  return lane;
}

function ledgerOf(
  lane: LedgerLane,
  id = 'pump-7',
): Pick<DeviceLedger, 'connections' | 'earlier' | 'others' | 'sequence'> {
  const device = lane.devices.get(id);
  if (!device) throw new Error(`${id} is not counted`);
  return device.ledger();
}

describe('what is counted of a device', () => {
  it('is what came over each connection: copies, what is late, what is missing', async () => {
    await reading(1);
    await reading(2, { id: 'a' });
    await reading(2, { id: 'a' });
    await reading(5, { connection: 'two', agoMs: 61_000 });
    await event(6, 'hot', 'two');
    await event(0, 'connected');
    await reading(undefined, { connection: 'two' });
    const { connections, sequence, others } = ledgerOf(await counted());
    expect(connections).toMatchObject([
      { connection: 'one', log: { inLog: 3, duplicates: 1, late: 0 } },
      { connection: 'two', log: { inLog: 3, duplicates: 0, late: 1 } },
    ]);
    expect(others.inLog).toBe(0);
    expect(sequence.gaps).toEqual([{ from: 3, to: 4 }]);
  });

  it('has no gap where an event has the number, however many there are between two looks', async () => {
    for (let seq = 1; seq < 400; seq += 1) await (seq % 3 === 0 ? event(seq, 'hot', 'one') : reading(seq));
    expect(missingSeq(ledgerOf(await counted()).sequence)).toBe(0);
  });

  it('has the counters of its gateway, the newest, and what was refused', async () => {
    await report({ received: 5 }, { number: 2, to: START + 120_000 });
    await report({ received: 4 }, { number: 1 });
    const letter = {
      deviceId: 'pump-7',
      code: 'payload-not-json',
      detail: '',
      payload: Buffer.from('x'),
      atMs: START,
      connection: 'one',
    } as const;
    const origin = { kind: 'mqtt', topic: 't', qos: 1 } as const;
    await write('fieldgate.dead-letters.v1', encodeDeadLetter({ ...letter, id: '1', origin }));
    await write(
      'fieldgate.dead-letters.v1',
      encodeDeadLetter({ ...letter, id: '2', origin: { ...origin, elements: [0, 4] } }),
    );
    expect(ledgerOf(await counted()).connections).toMatchObject([
      { report: { number: 2, counters: { received: 5 } }, log: { deadLetters: { 'payload-not-json': 3 } } },
    ]);
  });

  it('is kept of the newest 20 connections, and summed up of the others', async () => {
    for (let each = 0; each < 25; each += 1) {
      await reading(each, { connection: `c-${each}` });
      await report(
        { received: 1, acknowledged: 1 },
        { connection: `c-${each}`, final: each % 2 === 0, to: clock.ms },
      );
    }
    const { connections, earlier } = ledgerOf(await counted());
    expect(connections.map(({ connection }) => connection)).toEqual(
      Array.from({ length: 20 }, (_, n) => `c-${n + 5}`),
    );
    expect(earlier).toMatchObject({
      connections: 5,
      incomplete: 2,
      log: { inLog: 5 },
      counters: { acknowledged: 5 },
    });
  });

  it('says what gateways have put into the log and nobody finds there', async () => {
    await reading(1);
    await reading(2, { connection: 'two' });
    await reading(3, { connection: 'two' });
    await report({ received: 3, acknowledged: 3 });
    await report(
      { received: 2, acknowledged: 1, unasked: 1, refused: { 'topic-forbidden': 4 } },
      { connection: 'two' },
    );
    expect(unaccountedRecords(ledgerOf(await counted()))).toBe(2);
  });
});

describe('stored', () => {
  it('is what the storage group is past, without copies and what the store has refused', async () => {
    for (let seq = 1; seq <= 30; seq += 1) await reading(seq, { id: `r-${seq % 20}` });
    const lane = await counted();
    const stored = (): number | undefined => ledgerOf(lane).connections[0]?.log.stored;
    expect(stored()).toBe(0);
    lane.storedUpTo(TELEMETRY, new Map([[0, 3]]));
    expect(stored()).toBe(3);
    lane.storedUpTo(TELEMETRY, new Map([[0, 30]]));
    expect(stored()).toBe(20);
    const [first] = await recordsOf(log, TELEMETRY);
    const origin = {
      kind: 'log',
      topic: TELEMETRY,
      partition: 0,
      offset: 0,
      group: 'fieldgate.storage',
    } as const;
    const payload = first?.value ?? Buffer.from('');
    const letter = {
      deviceId: 'pump-7',
      id: '1',
      code: 'record-refused',
      detail: '',
      payload,
      atMs: START,
    } as const;
    await write('fieldgate.dead-letters.v1', encodeDeadLetter({ ...letter, origin }));
    await lane.followSide(30);
    expect(ledgerOf(lane).connections[0]?.log).toMatchObject({ stored: 20, notStored: 1 });
  });
});

describe('after a crash', () => {
  async function history(): Promise<void> {
    for (let seq = 0; seq < 40; seq += 1) {
      if (seq % 7 !== 0)
        await reading(seq, {
          connection: `c-${seq % 3}`,
          id: `r-${seq % 30}`,
          key: seq % 5 === 0 ? 'pump-8' : 'pump-7',
        });
      if (seq % 4 === 0) await event(1_000 + seq, 'hot', 'c-0');
      if (seq % 6 === 0) await report({ received: seq }, { connection: 'c-0', number: seq });
    }
  }

  it.each([0, 11, 34])('counts the same as without one, with the group at offset %i', async (from) => {
    await history();
    const all = [...(await counted()).devices.values()].map((device) => device.ledger());
    const records = (await recordsOf(log, TELEMETRY)).slice(0, 20);
    const { lane } = await recovered();
    await lane.follow(records);
    await lane.checkpoint();
    await lane.follow((await recordsOf(log, TELEMETRY)).slice(20, 30)); // lost with the process
    const again = [...(await counted(from)).devices.values()].map((device) => device.ledger());
    expect(again).toEqual(all);
  });

  it('counts the same when the checkpoint was cut off between two rows', async () => {
    await history();
    const all = [...(await counted()).devices.values()].map((device) => device.ledger());
    const { lane } = await recovered();
    await lane.follow((await recordsOf(log, TELEMETRY)).slice(0, 20));
    await lane.checkpoint();
    await lane.follow((await recordsOf(log, TELEMETRY)).slice(20, 30));
    const states = await recordsOf(log, 'fieldgate.ledger-states.v1');
    const { writer } = log;
    let left = 1;
    writer.append = failAfter(writer.append.bind(writer), () => (left -= 1) < 0);
    await expect(lane.checkpoint()).rejects.toThrow();
    delete (writer as { append?: unknown }).append; // the one of its class again
    await write('fieldgate.alerts.v1', Buffer.from('behind it'));
    expect((await recordsOf(log, 'fieldgate.ledger-states.v1')).length).toBe(states.length + 1);
    expect([...(await counted()).devices.values()].map((device) => device.ledger())).toEqual(all);
  });

  it('takes the batch that comes again for what it is', async () => {
    await history();
    const lane = await counted();
    const before = structuredClone(ledgerOf(lane));
    await lane.follow(await recordsOf(log, TELEMETRY));
    expect(ledgerOf(lane)).toEqual(before);
  });

  it('writes only what has changed, and rows that can be read', async () => {
    await history();
    const lane = await counted();
    await lane.checkpoint();
    const rows = await recordsOf(log, 'fieldgate.ledger-states.v1');
    const read = tableRows('fieldgate.ledger-states.v1', ledgerStateSchema);
    expect(rows.map(({ value }) => value && read(value)?.kind)).toEqual(['device', 'device', 'lane']);
    await lane.checkpoint();
    await reading(100, { key: 'pump-8' });
    await lane.follow((await recordsOf(log, TELEMETRY)).slice(-1));
    await lane.checkpoint();
    expect((await recordsOf(log, 'fieldgate.ledger-states.v1')).map(({ key }) => key).slice(3)).toEqual([
      'pump-8',
      '~lane/0',
    ]);
  });
});

function failAfter(
  append: MemoryLog['writer']['append'],
  isOver: () => boolean,
): MemoryLog['writer']['append'] {
  return (record, settle) => {
    if (!isOver()) return append(record, settle);
    queueMicrotask(() => settle(new Error('cut off') as never, undefined, record)); // any error
    return true;
  };
}
