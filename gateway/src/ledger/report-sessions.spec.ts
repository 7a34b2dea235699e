import { setTimeout as pause } from 'node:timers/promises';
import type { CommitLog, LogWriter, NewRecord } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { decodeLedgerReport, FieldgateError, isRejection, type LedgerReport } from '@fieldgate/contracts';
import { createLogger, RepeatedLines } from '@fieldgate/service';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DeviceSession } from '../sessions/device-session.js';
import { atEndOfTest, gatewayWith, SECRET } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { silentAbout } from '../testing/silent-log.js';
import { recordsOf, register } from '../testing/test-gateway.js';
import { ReportSessions } from './report-sessions.js';
import { SessionCounters } from './session-counters.js';

const TOPIC = 'devices/pump-7/telemetry';
let log: MemoryLog;
beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
});

async function reports(): Promise<LedgerReport[]> {
  const records = await recordsOf(log, 'fieldgate.ledger.v1');
  return records.map(({ record }) => {
    const report = decodeLedgerReport(record.value ?? Buffer.from(''));
    if (isRejection(report)) throw new Error(report.detail);
    return report;
  });
}

async function reportsWhen(count: number): Promise<LedgerReport[]> {
  const until = Date.now() + 30_000;
  for (;;) {
    const all = await reports();
    if (all.length >= count || Date.now() > until) return all;
    await pause(5);
  }
}

describe('a connection that ends', () => {
  it('has reported each record that it received under what became of it', async () => {
    await register(log, 'pump-7', SECRET);
    let isAway = false;
    const append: LogWriter['append'] = (record, settle) => {
      if (!isAway || record.topic !== 'fieldgate.telemetry.v1') return log.writer.append(record, settle);
      queueMicrotask(() => settle(new FieldgateError('log-unavailable'), undefined, record));
      return true;
    };
    const writer: LogWriter = { append, drained: (listener) => log.writer.drained(listener) };
    const gateway = await gatewayWith({ ...log, writer, ingest: writer });
    const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
    atEndOfTest(async () => client.destroy());
    await client.next();
    const say = async (payload: string, topic = TOPIC): Promise<void> => {
      client.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false });
      await client.next();
    };
    const sayUnasked = (payload: string): void =>
      client.send({ cmd: 'publish', topic: TOPIC, payload, qos: 0, dup: false, retain: false });
    await say('{"n":1,"seq":1}');
    await say('{"state":"raised"}', 'devices/pump-7/events/hot');
    await say('[{"n":1},{"n":null},{"n":3}]');
    await say('not json');
    await say('{}', 'devices/pump-8/telemetry');
    await say('{}', 'devices/pump-7/nothing');
    sayUnasked('{"n":1}');
    await say('{"n":2}'); // behind it
    isAway = true;
    sayUnasked('[{"n":1},{"n":2}]');
    client.send({
      cmd: 'publish',
      topic: TOPIC,
      payload: '{"n":9}',
      qos: 1,
      messageId: 2,
      dup: false,
      retain: false,
    });
    const [report, ...others] = await reportsWhen(1); // the log is away for it: the gateway has closed the connection
    expect(others).toEqual([]);
    expect(report).toMatchObject({
      gateway: 'gw-1',
      number: 1,
      final: true,
      reason: 'log-unavailable',
      counters: {
        messages: 10,
        received: 13,
        acknowledged: 5,
        unanswered: 1,
        unasked: 1,
        dropped: 2,
        answers: 0,
        refused: { 'value-type': 1, 'payload-not-json': 1, 'topic-forbidden': 1, 'topic-unknown': 1 },
      },
    });
    const [first] = await recordsOf(log, 'fieldgate.telemetry.v1');
    expect(first?.json).toMatchObject({ connection: report?.connection });
    const letters = await recordsOf(log, 'fieldgate.dead-letters.v1');
    expect(letters[0]?.json).toMatchObject({ connection: report?.connection });
    const events = await recordsOf(log, 'fieldgate.events.v1');
    const event = events.find(({ json }) => 'connection' in json); // connected and disconnected are the gateway's own
    expect(event?.json).toMatchObject({ data: { event: 'hot' }, connection: report?.connection });
  });

  it('has nothing to report when it has said nothing', async () => {
    await register(log, 'pump-7', SECRET);
    const gateway = await gatewayWith(log);
    const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
    atEndOfTest(async () => client.destroy());
    await client.next();
    await gateway.stop();
    expect(await reports()).toEqual([]);
  });
});

describe('the reports of a connection', () => {
  let now = 0;
  let sessions: DeviceSession[];
  let ledger: ReportSessions;
  beforeEach(() => {
    now = 0;
    sessions = [];
    ledger = reportsOf(log);
  });

  function reportsOf(given: CommitLog): ReportSessions {
    const monotonic = { now: () => now };
    return new ReportSessions(
      { gatewayId: 'gw-1', boot: 'b00t' },
      given,
      () => sessions,
      { epoch: { now: () => 1_000_000 + now }, monotonic },
      new RepeatedLines(createLogger({ level: 'silent' }), monotonic),
    );
  }

  /** Its first report is due after as many ms as the number says. */
  function connected(first: number): DeviceSession & { readonly counters: SessionCounters } {
    const connection = `${first.toString(16).padStart(6, '0')}0000000000`;
    const counters = new SessionCounters();
    const session = { deviceId: 'pump-7', connection, connectedAt: 1_000_000, counters } as DeviceSession & {
      readonly counters: SessionCounters;
    }; // what reports are made of
    sessions.push(session);
    return session;
  }

  async function passTo(ms: number): Promise<number[]> {
    for (; now < ms; now += 1_000) ledger.tick();
    ledger.tick();
    const until = Date.now() + 30_000;
    while (ledger.onTheirWay > 0 && Date.now() < until) await pause(1);
    return (await reports()).map(({ to }) => to - 1_000_000);
  }

  it('come once a minute, spread over the first, and only when something has changed', async () => {
    const { counters } = connected(20_000);
    connected(50_000).counters.received += 1;
    counters.received += 1;
    expect(await passTo(19_000)).toEqual([]);
    expect(await passTo(79_000)).toEqual([20_000, 50_000]);
    counters.acknowledged += 1;
    expect(await passTo(300_000)).toEqual([20_000, 50_000, 80_000]);
  });

  it('say it all when the log is back', async () => {
    const { counters } = connected(10_000);
    counters.received = 1;
    log.goAway();
    expect(await passTo(200_000)).toEqual([]);
    counters.received = 3;
    log.comeBack();
    expect(await passTo(300_000)).toEqual([210_000]);
    expect(await reports()).toMatchObject([{ number: 1, counters: { received: 3 } }]);
  });

  it('go into the spool while the log is away, so that a crash costs a minute and no more', async () => {
    const spooled: NewRecord[] = [];
    const append: LogWriter['append'] = (record, settle) => {
      spooled.push(record);
      setImmediate(() => settle(undefined, undefined, record));
      return true;
    };
    const status = { state: 'spooling', full: undefined, records: 1, bytes: 1, oldestAgeMs: 0 } as const;
    const withSpool: CommitLog = {
      ...log,
      ingest: { append, drained: setImmediate },
      problem: () => 'the log is away',
      spool: () => status,
    };
    ledger = reportsOf(withSpool);
    connected(10_000).counters.received = 1;
    await passTo(20_000);
    expect(spooled.map(({ topic }) => topic)).toEqual(['fieldgate.ledger.v1']);
  });

  it('end with a last one, also when the log was away at the end', async () => {
    const session = connected(10_000);
    session.counters.received = 1;
    session.counters.acknowledged = 1;
    log.goAway();
    sessions = [];
    ledger.end(session, 'connection-lost');
    expect(await passTo(5_000)).toEqual([]);
    log.comeBack();
    expect(await passTo(6_000)).toEqual([0]);
    expect(await passTo(300_000)).toEqual([0]);
    expect(await reports()).toMatchObject([{ final: true, reason: 'connection-lost' }]);
  });

  it('wait at the end for what the log has not settled, but not for ever', async () => {
    const [one, two] = [connected(10_000), connected(10_001)];
    one.counters.received = 1;
    two.counters.received = 1;
    sessions = [];
    ledger.end(one, 'connection-lost');
    ledger.end(two, 'connection-lost');
    expect(await passTo(5_000)).toEqual([]);
    one.counters.unanswered = 1;
    expect(await passTo(6_000)).toEqual([0]);
    expect(await passTo(30_000)).toEqual([0, 0]);
    two.counters.unanswered = 1;
    await passTo(31_000);
    const [, notTheLast, last] = await reports();
    expect(notTheLast).toMatchObject({ final: false, counters: { received: 1, unanswered: 0 } });
    expect(last).toMatchObject({ final: true, number: 2, counters: { received: 1, unanswered: 1 } });
  });

  it('have a last one although the one before is still on its way when the gateway stops', async () => {
    const silent = silentAbout(log, 'fieldgate.ledger.v1');
    ledger = reportsOf(silent);
    const session = connected(0);
    session.counters.received = 1;
    session.counters.unasked = 1;
    ledger.tick();
    ledger.end(session, 'gateway-stopping');
    expect(ledger.flush()).toBe(true);
    silent.write();
    while (ledger.flush()) {
      silent.write();
      await pause(1);
    }
    expect(await reports()).toMatchObject([
      { number: 1, final: false },
      { number: 2, final: true },
    ]);
  });

  it('say at the end of the gateway what is known, and that it is not the last word', async () => {
    const session = connected(0);
    session.counters.received = 1;
    ledger.end(session, 'gateway-stopping');
    expect(ledger.flush()).toBe(true); // of which nothing is written
    ledger.giveUp();
    expect(await reportsWhen(1)).toMatchObject([{ number: 1, final: false }]);
  });
});
