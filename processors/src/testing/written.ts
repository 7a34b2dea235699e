import { encodeCloudEvent, encodeCommandStep, type CommandStep, type LogTopic } from '@fieldgate/contracts';
import { appended, type CommitLog, type LogBatch, type LogRecord } from '@fieldgate/commit-log';

/** Everything that a topic holds now, the values as JSON. */
export async function recordsOf(log: CommitLog, topic: LogTopic): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (const { partition, earliest, end } of await log.reader.bounds(topic)) {
    for await (const record of log.reader.read(topic, { partition, from: earliest, to: end }))
      records.push(record);
  }
  return records;
}

export function jsonOf(record: LogRecord): Record<string, unknown> {
  return JSON.parse(Buffer.from(record.value ?? 'null').toString()) as Record<string, unknown>; // records that the test wrote
}

export async function writeStep(log: CommitLog, step: CommandStep): Promise<void> {
  const value = encodeCommandStep(step, `${step.commandId}-${step.step}-${step.at}`);
  await appended(log.writer, { topic: 'fieldgate.commands.v1', key: step.deviceId, value });
}

export async function writeReading(
  log: CommitLog,
  reading: { deviceId: string; id: string; timeMs: number; receivedMs?: number; value: number },
): Promise<void> {
  const time = new Date(reading.timeMs).toISOString();
  const value = encodeCloudEvent({
    specversion: '1.0',
    type: 'fieldgate.telemetry.v1',
    source: `/devices/${reading.deviceId}`,
    subject: reading.deviceId,
    id: reading.id,
    time,
    receivedtime: new Date(reading.receivedMs ?? reading.timeMs).toISOString(),
    datacontenttype: 'application/json',
    data: { readings: { n: reading.value } },
  });
  await appended(log.writer, { topic: 'fieldgate.telemetry.v1', key: reading.deviceId, value });
}

/** What the reader would hand over: all records of partition 0 from an offset on, under one assignment. */
export async function batchOf(
  log: CommitLog,
  topic: LogTopic,
  from = 0,
  assignment = heldAssignment(topic),
): Promise<LogBatch> {
  const records = (await recordsOf(log, topic)).filter(({ offset }) => offset >= from);
  return { topic, partition: 0, records, assignment, from };
}

export function heldAssignment(topic: LogTopic): LogBatch['assignment'] & { lose(): void } {
  let held = true;
  return { topic, partition: 0, isHeld: () => held, isAlone: () => held, lose: () => (held = false) };
}

/** A step of one command, with what the test does not care about filled in. */
export function step<K extends CommandStep['step']>(kind: K, more: Partial<CommandStep> = {}): CommandStep {
  const common = { commandId: 'c-1', deviceId: 'pump-7', at: 1_000 };
  const requested = {
    name: 'ping',
    params: {},
    mode: 'interactive',
    ttlMs: 5_000,
    timeoutMs: 10_000,
    requestedBy: 'admin',
    bodyHash: 'x',
  };
  const attempt = { gateway: 'gw-1', connection: 'conn-1', attempt: 1, qos: 1 };
  const answer = { status: 200, body: { encoding: 'none' } };
  return {
    ...common,
    ...requested,
    ...attempt,
    ...answer,
    detail: 'test',
    ...more,
    step: kind,
  } as CommandStep; // more members than needed; the encoder of the record takes what the step has
}
