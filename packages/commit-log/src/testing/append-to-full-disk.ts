import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLogger, systemClock } from '@fieldgate/service';
import { createEmbeddedLog } from '../embedded/embedded-log.js';
import { appended } from '../log-writer.js';

/**
 * A process of its own for tests, which may only write files of a limited size: appends until that fails, says so, waits for a line on standard
 * input (there is space again), appends until that succeeds, and says what it then finds in the log.
 */
const [, , directory = ''] = process.argv;
const TOPIC = 'fieldgate.events.v1';
const value = Buffer.alloc(100_000, 'x');

const log = createEmbeddedLog({ directory, clock: systemClock, logger: createLogger({ level: 'silent' }) });
await log.start();
const append = (): Promise<unknown> =>
  appended(log.writer, { topic: TOPIC, key: 'pump-7', value }).then(
    () => undefined,
    (error: unknown) => error,
  );
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

let settled = 0;
let error: unknown;
while ((error = await append()) === undefined) settled += 1;
say({ settled, code: (error as { code?: unknown }).code, problem: log.problem() });

await once(createInterface({ input: process.stdin }), 'line');
while ((await append()) !== undefined) await new Promise(setImmediate);
settled += 1;
let found = 0;
for await (const { offset } of log.reader.read(TOPIC, { partition: 0, from: 0, to: 1e9 }))
  if (offset === found) found += 1;
say({ settled, found, problem: log.problem() ?? null });
await log.stop();
process.exit(0);
