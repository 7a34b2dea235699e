import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLogger } from '@fieldgate/service';
import { DiskSpool } from '../spool/disk-spool.js';

/**
 * A process of its own for tests, whose disk is full at some point: appends until that fails, says so, waits for a line on standard input (there
 * is space again), appends twice, and says what it then finds.
 */
const [, , directory = ''] = process.argv;
const logger = createLogger({ level: 'silent' });
const spool = new DiskSpool({ directory, segmentBytes: 2 ** 30, logger, damaged: () => process.exit(2) });
await spool.open();
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
let groups = 0;
const append = (): Promise<unknown> =>
  spool
    .append(
      Array.from({ length: 10 }, (_, index) => ({
        topic: 'fieldgate.events.v1' as const,
        key: `${groups}-${index}`,
        value: Buffer.alloc(10_000, 'x'),
        timestampMs: groups,
      })),
    )
    .then(
      () => void (groups += 1),
      (error: unknown) => error,
    );

let error: unknown;
while ((error = await append()) === undefined);
const again = await append();
const codes = [error, again].map((failure) => (failure as { code?: unknown } | undefined)?.code);
say({ groups, codes });
await once(createInterface({ input: process.stdin }), 'line');
const failures = [await append(), await append()].filter((failure) => failure !== undefined);
const keys: string[] = [];
for (let at = 0; ;) {
  const records = await spool.read(at, { maxRecords: 1_000, maxBytes: 2 ** 20 });
  const last = records.at(-1);
  if (last === undefined) break;
  keys.push(...records.map(({ record }) => record.key));
  at = last.next;
}
say({ groups, failures: failures.length, keys });
await spool.close();
process.exit(0);
