import { describe, expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import type { LogRecord } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger, systemClock } from '@fieldgate/service';
import { batchOf, jsonOf, recordsOf, writeReading } from '../testing/written.js';
import { DeliverBatch } from './deliver-batch.js';

async function given(): Promise<{ log: ReturnType<typeof createMemoryLog>; delivery: DeliverBatch }> {
  const log = createMemoryLog();
  await log.start();
  for (const value of [1, 2, 3])
    await writeReading(log, { deviceId: 'pump-7', id: `r-${value}`, timeMs: value, value });
  return {
    log,
    delivery: new DeliverBatch('fieldgate.test', log, systemClock, createLogger({ level: 'silent' })),
  };
}

describe('delivering a batch', () => {
  it('makes a refused record a dead letter before the outcome is given, and the others go on', async () => {
    const { log, delivery } = await given();
    const outcome = await delivery.deliver(await batchOf(log, 'fieldgate.telemetry.v1'), async () => [
      { index: 1, code: 'store-refused', detail: 'field type conflict' },
    ]);
    expect(outcome).toEqual({
      refused: [{ index: 1, code: 'store-refused', detail: 'field type conflict' }],
      retry: [],
    });
    const [letter] = await recordsOf(log, 'fieldgate.dead-letters.v1');
    const { data } = jsonOf(letter as LogRecord /* there is one */) as {
      data: { origin: unknown; payload: string; code: string };
    };
    expect(data.origin).toEqual({
      kind: 'log',
      topic: 'fieldgate.telemetry.v1',
      partition: 0,
      offset: 1,
      group: 'fieldgate.test',
    });
    expect(Buffer.from(data.payload, 'base64').toString()).toContain('"id":"r-2"');
  });

  it('lets an outage through to the reader and writes no dead letter', async () => {
    const { log, delivery } = await given();
    const batch = await batchOf(log, 'fieldgate.telemetry.v1');
    const outage = new FieldgateError('store-unavailable');
    await expect(delivery.deliver(batch, () => Promise.reject(outage))).rejects.toBe(outage);
    expect(await recordsOf(log, 'fieldgate.dead-letters.v1')).toHaveLength(0);
  });

  it('writes no dead letter while another member may have the partition, and asks for the batch again', async () => {
    const { log, delivery } = await given();
    const { assignment, ...rest } = await batchOf(log, 'fieldgate.telemetry.v1');
    let isAlone = false;
    const batch = { ...rest, assignment: { ...assignment, isAlone: () => isAlone } };
    const refuse = async () => [{ index: 0, code: 'store-refused', detail: 'no' } as const];
    await expect(delivery.deliver(batch, refuse)).rejects.toMatchObject({ retriable: true });
    expect(await recordsOf(log, 'fieldgate.dead-letters.v1')).toHaveLength(0);
    isAlone = true;
    await delivery.deliver(batch, refuse);
    expect(await recordsOf(log, 'fieldgate.dead-letters.v1')).toHaveLength(1);
  });

  it('takes the refusal of a record that is not in the batch for a bug', async () => {
    const { log, delivery } = await given();
    const batch = await batchOf(log, 'fieldgate.telemetry.v1');
    const refusal = { index: 3, code: 'store-refused', detail: 'no' } as const;
    await expect(delivery.deliver(batch, async () => [refusal])).rejects.toThrow(
      'fieldgate.test refused record 3 of 3',
    );
  });

  it('gives no outcome while the dead letter cannot be written', async () => {
    const { log, delivery } = await given();
    const batch = await batchOf(log, 'fieldgate.telemetry.v1');
    log.goAway();
    const delivered = delivery.deliver(batch, async () => [
      { index: 0, code: 'store-refused', detail: 'no' },
    ]);
    await expect(delivered).rejects.toMatchObject({ code: 'log-unavailable', retriable: true });
  });
});
