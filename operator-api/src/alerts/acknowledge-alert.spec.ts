import { appended, type LogWriter } from '@fieldgate/commit-log';
import type { MemoryLog } from '@fieldgate/commit-log/testing';
import {
  alertIdOf,
  decodeAlertStep,
  encodeAlertStep,
  encodeTableRow,
  openAlertKey,
  type Alert,
} from '@fieldgate/contracts';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { AlertStates } from './alert-states.js';

const TOPIC = 'fieldgate.alert-states.v1';
let api: ApiUnderTest;
let other: ApiUnderTest | undefined;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});
afterEach(async () => {
  await other?.stop();
  await api.stop();
});

it('the first acknowledgement in the log stands when two processes acknowledge at once', async () => {
  const open = await raise('too-hot');
  const held = holdingRows(api.log);
  other = await (await new ApiUnderTest(held.log).start()).ready();
  const call = `POST /v1/alerts/${open.id}/acknowledge` as const;
  const early = other.call(call, { note: 'on my way' });
  await held.rowComes; // it is in the log, and not yet in the table
  api.clock.ms += 1_000;
  const late = await api.call(call, { note: 'me too' });
  held.release();
  const acknowledged = { at: '2026-11-20T21:30:00.000Z', by: 'admin', note: 'on my way' };
  for (const { status, body } of [late, await early, await api.call(`GET /v1/alerts/${open.id}`)])
    expect([status, body]).toEqual([200, expect.objectContaining({ acknowledged })]);
  const steps = await stepsOf(api.log);
  const acknowledgement = { alertId: open.id, at: NOW, by: 'admin', note: 'on my way' };
  expect(steps).toHaveLength(3);
  for (const kept of [steps.at(0), steps.at(-1)])
    // the store keeps what was written last
    expect(kept).toMatchObject({ step: { step: 'acknowledged', acknowledgement } });
});

it('an acknowledgement of a process that was killed before it had finished stands too', async () => {
  const [open, neighbour] = [await raise('too-hot'), await raise('silent')];
  for (const [each, by] of [
    [neighbour, 'somebody else'],
    [open, 'the one that was killed'],
  ] as const) {
    const acknowledgement = { alertId: each.id, at: NOW, by };
    const value = encodeAlertStep({ step: 'acknowledged', alert: each, acknowledgement }, NOW);
    await appended(api.log.writer, {
      topic: 'fieldgate.alerts.v1',
      key: 'pump-7',
      partitionKey: 'pump-7',
      value,
    });
  }
  api.clock.ms += 3_600_000;
  const { body } = await api.call(`POST /v1/alerts/${open.id}/acknowledge`, { note: 'again' });
  expect(body).toMatchObject({
    acknowledged: { at: '2026-11-20T21:30:00.000Z', by: 'the one that was killed' },
  });
});

/** As the alerts group opens it. */
async function raise(rule: string): Promise<Alert> {
  const raisedAt = NOW - 60_000;
  const open: Alert = {
    id: alertIdOf('pump-7', rule, raisedAt),
    deviceId: 'pump-7',
    rule,
    kind: 'threshold',
    severity: 'warning',
    text: 'pump-7: temperature is 81.2, limit 80',
    since: raisedAt,
    raisedAt,
    receivedAt: raisedAt,
  };
  const key = openAlertKey('pump-7', rule);
  const data = { kind: 'open', alert: open };
  const value = encodeTableRow(TOPIC, { key, id: '1', atMs: NOW, data });
  const at = await appended(api.log.writer, { topic: TOPIC, key, partitionKey: 'pump-7', value });
  await api.get(AlertStates).table.reached(at);
  return open;
}

async function stepsOf(log: MemoryLog): Promise<ReturnType<typeof decodeAlertStep>[]> {
  const steps = [];
  for (const { partition, earliest, end } of await log.reader.bounds('fieldgate.alerts.v1'))
    for await (const { value } of log.reader.read('fieldgate.alerts.v1', {
      partition,
      from: earliest,
      to: end,
    }))
      if (value) steps.push(decodeAlertStep(value));
  return steps;
}

/** The same log for another process, whose rows come late. */
function holdingRows(log: MemoryLog): {
  readonly log: MemoryLog;
  readonly rowComes: Promise<void>;
  readonly release: () => void;
} {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let comes: () => void = () => undefined;
  const rowComes = new Promise<void>((resolve) => (comes = resolve));
  const append: LogWriter['append'] = (record, settle) => {
    if (record.topic !== TOPIC) return log.writer.append(record, settle);
    comes();
    void released.then(() => log.writer.append(record, settle));
    return true;
  };
  const writer = Object.assign(Object.create(log.writer) as LogWriter, { append }); // all else is the writer's own
  const untouched = (): Promise<void> => Promise.resolve(); // it is open, and stays so
  return { log: { ...log, writer, start: untouched, stop: untouched }, rowComes, release };
}
