import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import { commitLogEnvironment, openCommitLog } from './commit-log.config.js';

const schema = z.object(commitLogEnvironment);
const parts = { clock: systemClock, logger: createLogger({ level: 'silent' }) };

describe('the settings of the log', () => {
  it('has an embedded log of 8 GiB in ./data when nothing is set', () => {
    expect(readEnvironment(schema, {})).toEqual({
      FIELDGATE_DATA_DIR: './data',
      FIELDGATE_SPOOL: true,
      FIELDGATE_SPOOL_AFTER_MS: 2_000,
      FIELDGATE_SPOOL_MAX_BYTES: 4_294_967_296,
      FIELDGATE_SPOOL_MAX_AGE_HOURS: 72,
      FIELDGATE_SPOOL_DRAIN_RECORDS_PER_SECOND: 100_000,
      FIELDGATE_LOG_MAX_BYTES: 8_589_934_592,
    });
  });

  it.each([
    ['FIELDGATE_KAFKA_BROKERS', 'kafka-1', 'must be host:port'],
    ['FIELDGATE_KAFKA_REPLICATION_FACTOR', 'three', 'must be a whole number from 1 to 9'],
    ['FIELDGATE_LOG_MAX_BYTES', '8 GiB', 'must be a whole number'],
    ['FIELDGATE_SPOOL', 'perhaps', 'must be'],
    ['FIELDGATE_SPOOL_AFTER_MS', '2 s', 'must be a whole number from 500 to 8000'],
    ['FIELDGATE_SPOOL_MAX_BYTES', '1024', 'must be a whole number from 4194304'],
    ['FIELDGATE_SPOOL_MAX_AGE_HOURS', '0', 'must be a whole number from 1 to 720'],
    ['FIELDGATE_SPOOL_DRAIN_RECORDS_PER_SECOND', '0', 'must be a whole number from 1'],
  ])('names %s when it is wrong', (name, value, reason) => {
    expect(() => readEnvironment(schema, { [name]: value })).toThrow(`${name}: ${reason}`);
  });

  it('opens the embedded log below the data directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fieldgate-data-'));
    const log = await openCommitLog(readEnvironment(schema, { FIELDGATE_DATA_DIR: directory }), parts);
    await log.start();
    expect(await readdir(join(directory, 'log'))).toContain('data.mdb');
    await log.stop();
    await rm(directory, { recursive: true });
  });

  it('opens Kafka when brokers are named', async () => {
    const config = readEnvironment(schema, { FIELDGATE_KAFKA_BROKERS: '127.0.0.1:1' });
    const log = await openCommitLog(config, parts);
    expect(log.reader.constructor.name).toBe('KafkaReader');
    await log.stop();
  });
});
