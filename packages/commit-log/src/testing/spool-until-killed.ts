import { once } from 'node:events';
import { createLogger } from '@fieldgate/service';
import { DiskSpool } from '../spool/disk-spool.js';

/**
 * A process of its own for tests: appends to the spool in the directory of its first argument as fast as it settles, and says the text of every
 * record whose append has resolved, until it is killed. Now and then it releases what is a hundred groups old, and says so: `released position`.
 */
const [, , directory = '', run = ''] = process.argv;
const logger = createLogger({ level: 'silent' });
const spool = new DiskSpool({ directory, segmentBytes: 50_000, logger, damaged: () => process.exit(2) });
await spool.open();
const ends: number[] = [];
for (let n = 0; ;) {
  const texts = Array.from({ length: 1 + (n % 37) }, () => `${run}-${n++}`);
  const { next } = await spool.append(
    texts.map((text) => ({
      topic: 'fieldgate.events.v1' as const,
      key: text,
      value: Buffer.from(text.padEnd(200)),
      timestampMs: n,
    })),
  );
  ends.push(next);
  let lines = texts.map((text) => `${next} ${text}\n`).join('');
  if (ends.length % 100 === 0) {
    const before = ends.at(-100) ?? 0;
    lines += `${before} released\n`;
    // said first, and out of this process: the records before it may be gone from now on
    await new Promise<void>((resolve) => process.stdout.write(lines, () => resolve()));
    await spool.release(before);
  } else if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
}
