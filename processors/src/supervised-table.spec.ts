import { appended } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { deviceRecordSchema } from '@fieldgate/contracts';
import { createLogger, Supervisor } from '@fieldgate/service';
import { expect, it } from '@jest/globals';
import { supervisedTable } from './supervised-table.js';

const TOPIC = 'fieldgate.devices.v1';

it('leaves out a record that is not understood, and says where it stands', async () => {
  const log = createMemoryLog();
  await log.start();
  const lines: string[] = [];
  const logger = createLogger({ level: 'info' }, { write: (line) => void lines.push(line) });
  const supervisor = new Supervisor(logger);
  const table = supervisedTable(TOPIC, deviceRecordSchema, { log, task: 'test', supervisor, logger });
  await appended(log.writer, { topic: TOPIC, key: 'pump-1', value: Buffer.from('{}') });
  await table.start();
  await table.caughtUp();
  expect(table.size).toBe(0);
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { level: 40, topic: TOPIC, partition: 0, offset: 0, code: 'record-unreadable', msg: 'record skipped' },
  ]);
  await table.stop();
  await log.stop();
});
