import { commitLogEnvironment, openCommitLog } from '@fieldgate/commit-log';
import type { ConsumerGroup } from '@fieldgate/contracts';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { DeliverBatch } from '../deliver-batch.js';

/**
 * A process of its own for tests of what a frozen group member does when it wakes up: it holds the records of one key until a line comes on
 * standard input, and refuses them then. `[brokers, group, key]`
 */
const [brokers = '', group = '', key = ''] = process.argv.slice(2);
const logger = createLogger({ level: 'silent' });
const log = await openCommitLog(
  readEnvironment(z.object(commitLogEnvironment), { FIELDGATE_KAFKA_BROKERS: brokers }),
  { clock: systemClock, logger },
);
await log.start();
const told = once(createInterface({ input: process.stdin }), 'line');
const delivery = new DeliverBatch(group as ConsumerGroup, log, systemClock, logger); // given by the test
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

await log.reader.consume(
  group as ConsumerGroup,
  ['fieldgate.telemetry.v1'],
  (batch) =>
    delivery.deliver(batch, async ({ records, partition }) => {
      if (records.length === 0) say({ began: partition });
      const refused = records.flatMap((record, index) =>
        record.key === key ? [{ index, code: 'store-refused' as const, detail: 'as told' }] : [],
      );
      if (refused.length > 0) {
        say({ holds: refused.length });
        await told;
      }
      return refused;
    }),
  (error) => {
    throw error;
  },
);
