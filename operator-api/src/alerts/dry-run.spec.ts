import { AlertWatch, parseRules, type DeviceFacts } from '@fieldgate/alert-rules';
import { appended } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import {
  alertIdOf,
  encodeEvent,
  encodeTelemetry,
  isRejection,
  telemetryWriter,
  type Alert,
} from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { dryRun, type DryRun, type DryRunOutcome, type Watch, type WatchSource } from './dry-run.js';

const NOW = Date.parse('2026-11-20T21:30:00.000Z');
const MINUTE_MS = 60_000;
const LIMITS = { records: 1_000_000, ms: 60_000, alerts: 1_000_000 };

/** Raises at every `t` above a limit, at every event, and at whom nothing was heard of; and notes how the time of arrival went. */
class LimitWatch implements Watch {
  readonly passed: number[] = [];
  private transitions: { change: 'raised'; alert: Alert }[] = [];
  private readonly silent = new Set<string>();

  constructor(private readonly above: number) {}

  watch(deviceId: string): void {
    this.silent.add(deviceId);
  }

  reading({ deviceId, timeMs, readings }: Parameters<Watch['reading']>[0]): void {
    this.silent.delete(deviceId);
    if (Number(readings['t']) > this.above) this.raise(deviceId, 'too-hot', timeMs);
  }

  event({ deviceId, event, timeMs }: Parameters<Watch['event']>[0]): void {
    this.silent.delete(deviceId);
    this.raise(deviceId, `event.${event}`, timeMs);
  }

  passTo(arrivalMs: number): void {
    this.passed.push(arrivalMs);
    if (arrivalMs < NOW) return;
    for (const deviceId of this.silent) this.raise(deviceId, 'silent', arrivalMs);
    this.silent.clear();
  }

  takeTransitions(): readonly { change: 'raised'; alert: Alert }[] {
    return this.transitions.splice(0);
  }

  private raise(deviceId: string, rule: string, raisedAt: number): void {
    const alert = {
      id: alertIdOf(deviceId, rule, raisedAt),
      deviceId,
      rule,
      kind: 'threshold',
      severity: 'info',
      text: '',
      since: raisedAt,
      raisedAt,
      receivedAt: raisedAt,
    } as const;
    this.transitions.push({ change: 'raised', alert });
  }
}

let log: MemoryLog;
const clock = { ms: NOW, now: (): number => clock.ms };

beforeEach(async () => {
  clock.ms = NOW;
  log = createMemoryLog({ partitions: 3, clock });
  await log.start();
});

async function reading(
  deviceId: string,
  t: number,
  receivedMs: number,
  { timeMs = receivedMs, appendedMs = receivedMs } = {},
): Promise<void> {
  clock.ms = appendedMs;
  const id = `${deviceId}-${t}-${timeMs}`;
  const value = encodeTelemetry(
    telemetryWriter(deviceId, 'gw-1'),
    { readings: { t }, id },
    { id, timeMs },
    receivedMs,
  );
  await appended(log.writer, { topic: 'fieldgate.telemetry.v1', key: deviceId, value });
}

function run(more: Partial<DryRun> = {}): Promise<DryRunOutcome> {
  return dryRun({
    reader: log.reader,
    monotonic: { now: () => 0 },
    devices: [],
    watches: () => [new LimitWatch(10), new LimitWatch(20)],
    fromMs: NOW - 60 * MINUTE_MS,
    toMs: NOW,
    limits: LIMITS,
    gone: new AbortController().signal,
    ...more,
  });
}

function raisedIn({ raised: [given, inForce] }: DryRunOutcome): string[][] {
  return [given, inForce].map((alerts) => [...alerts.keys()].toSorted());
}

describe('a dry run', () => {
  it('is nothing over an empty log', async () => {
    expect(await run()).toEqual({
      readings: 0,
      events: 0,
      raised: [new Map(), new Map()],
      truncated: false,
    });
  });

  it('shows both rule sets what has arrived in the range, of all partitions and both topics', async () => {
    const at = NOW - 30 * MINUTE_MS;
    await reading('a', 99, NOW - 61 * MINUTE_MS);
    for (const deviceId of ['a', 'b', 'c', 'd']) await reading(deviceId, 15, at);
    await reading('a', 25, at, { timeMs: NOW - 40 * 24 * 60 * MINUTE_MS }); // measured long ago, arrived now
    const event = { deviceId: 'b', event: 'leak', state: 'raised', severity: 'info' } as const;
    const value = encodeEvent(event, { id: 'e', timeMs: at }, at);
    await appended(log.writer, { topic: 'fieldgate.events.v1', key: 'b', value });
    await appended(log.writer, {
      topic: 'fieldgate.telemetry.v1',
      key: 'a',
      value: Buffer.from('not ours'),
    });
    await reading('a', 99, NOW);
    const outcome = await run();
    expect(outcome).toMatchObject({ readings: 5, events: 1, truncated: false });
    const old = alertIdOf('a', 'too-hot', NOW - 40 * 24 * 60 * MINUTE_MS);
    const leak = alertIdOf('b', 'event.leak', at);
    const hot = ['a', 'b', 'c', 'd'].map((deviceId) => alertIdOf(deviceId, 'too-hot', at));
    expect(raisedIn(outcome)).toEqual([[...hot, old, leak].toSorted(), [old, leak].toSorted()]);
  });

  it('counts the arrival and not the append, which may be a little later or on another clock', async () => {
    clock.ms = NOW + 30_000;
    const value = (receivedMs: number): Uint8Array =>
      encodeTelemetry(
        telemetryWriter('a', 'gw-1'),
        { readings: { t: 15 } },
        { id: `${receivedMs}`, timeMs: receivedMs },
        receivedMs,
      );
    for (const receivedMs of [NOW - 1, NOW])
      await appended(log.writer, { topic: 'fieldgate.telemetry.v1', key: 'a', value: value(receivedMs) });
    expect(raisedIn(await run())[0]).toEqual([alertIdOf('a', 'too-hot', NOW - 1)]);
  });

  it('knows who was silent: the time of arrival goes forwards only, to the end of the range', async () => {
    const watches: LimitWatch[] = [];
    await reading('a', 1, NOW - 20 * MINUTE_MS);
    await reading('a', 1, NOW - 30 * MINUTE_MS);
    await reading('a', 1, NOW - 10 * MINUTE_MS);
    const outcome = await run({
      devices: ['a', 'b'],
      watches: (source) => {
        const both = [new LimitWatch(10), new LimitWatch(20)] as const;
        if (source === 'telemetry') watches.push(...both);
        return both;
      },
    });
    expect(raisedIn(outcome)[0]?.filter((id) => id.startsWith('b~'))).toEqual([
      alertIdOf('b', 'silent', NOW),
    ]);
    const busy = watches.find(({ passed }) => passed.length > 2);
    expect(busy?.passed).toEqual([NOW - 60 * MINUTE_MS, NOW - 20 * MINUTE_MS, NOW - 10 * MINUTE_MS, NOW]);
  });

  it('takes nobody for silent because the clock of another gateway is ahead', async () => {
    const rules = parseRules(
      'version: 1\nrules:\n  - name: silent\n    metric: t\n    absence: { after: 10m }\n',
    );
    if (isRejection(rules)) throw new Error(rules.detail);
    const deviceOf = (id: string): DeviceFacts => ({ id, labels: {}, createdAt: 0 });
    for (let minute = 60; minute > 0; minute -= 2) {
      const at = NOW - minute * MINUTE_MS;
      await reading('a', 1, at);
      if (minute > 20) await reading('d', 1, at + 40 * MINUTE_MS, { timeMs: at, appendedMs: at }); // the same partition
    }
    const watchOf = (source: WatchSource): Watch => new AlertWatch({ source, rules, deviceOf });
    const outcome = await run({
      devices: ['a', 'd'],
      watches: (source) => [watchOf(source), watchOf(source)],
    });
    expect(outcome.readings).toBe(50);
    expect(raisedIn(outcome)[0]).toEqual([alertIdOf('d', 'silent', NOW - 12 * MINUTE_MS)]);
  });

  it.each([
    ['records', { limits: { ...LIMITS, records: 1_500 } }],
    [
      'time',
      {
        monotonic: {
          now: (
            () => () =>
              (clock.ms += 40_000)
          )(),
        },
      },
    ],
    ['alerts', { limits: { ...LIMITS, alerts: 500 } }],
    ['a client that has gone', { gone: AbortSignal.abort() }],
  ] as const)('stops at its limit and says so, and takes nobody for silent: %s', async (_, limit) => {
    for (let n = 0; n < 4_000; n++) await reading('a', 15 + n / 1_000, NOW - 60_000 + n);
    const outcome = await run({ devices: ['a', 'd'], ...limit }); // of one partition
    expect(outcome.truncated).toBe(true);
    expect(outcome.readings).toBeLessThan(2_001);
    expect(raisedIn(outcome)[0]?.filter((id) => id.includes('silent'))).toEqual([]);
  });

  it('lets others have their turn', async () => {
    for (let n = 0; n < 5_000; n++) await reading('a', 1, NOW - 60_000 + n);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await run();
    clearImmediate(timer);
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
