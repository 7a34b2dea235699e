import type { LogTopic } from '@fieldgate/contracts';
import { createLogger, systemClock } from '@fieldgate/service';
import { createEmbeddedLog } from '../embedded/embedded-log.js';

/**
 * A process of its own for tests: appends to the embedded log in the directory of its first argument as fast as it settles, and says every
 * settled record as `topic offset text`, until it is killed.
 */
const [, , directory = '', run = ''] = process.argv;
const TOPICS: readonly LogTopic[] = [
  'fieldgate.telemetry.v1',
  'fieldgate.events.v1',
  'fieldgate.telemetry.v1',
  'fieldgate.alerts.v1',
];
const WINDOW = 500;

const log = createEmbeddedLog({ directory, clock: systemClock, logger: createLogger({ level: 'silent' }) });
await log.start();
let next = 0;
let waiting = 0;

function appendMore(): void {
  while (waiting < WINDOW) {
    const n = next++;
    const topic = TOPICS[n % TOPICS.length] ?? 'fieldgate.events.v1';
    const text = `${run}-${n}`;
    waiting += 1;
    log.writer.append({ topic, key: `device-${n}`, value: Buffer.from(text.padEnd(200)) }, (error, at) => {
      waiting -= 1;
      if (error !== undefined) throw error;
      process.stdout.write(`${topic} ${at?.offset} ${text}\n`);
      if (waiting === 0) setImmediate(appendMore);
    });
  }
}

appendMore();
