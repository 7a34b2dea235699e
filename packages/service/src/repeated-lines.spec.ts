import { expect, it } from '@jest/globals';
import { createLogger } from './logger.js';
import { RepeatedLines } from './repeated-lines.js';

it('lines of one kind come once a minute, and say how many were left out', () => {
  const written: unknown[] = [];
  let now = 0;
  const logger = createLogger({ level: 'info' }, { write: (line: string) => written.push(JSON.parse(line)) });
  const lines = new RepeatedLines(logger, { now: () => now });
  for (let i = 0; i < 500; i++) lines.log('warn', 'pump-7', { deviceId: 'pump-7' }, 'publish refused');
  lines.log('warn', 'pump-8', { deviceId: 'pump-8' }, 'publish refused');
  now = 60_000;
  lines.log('warn', 'pump-7', { deviceId: 'pump-7' }, 'publish refused');
  expect(written).toMatchObject([
    { deviceId: 'pump-7' },
    { deviceId: 'pump-8' },
    { deviceId: 'pump-7', leftOut: 499 },
  ]);
});
