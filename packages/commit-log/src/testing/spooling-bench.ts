import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogTopic } from '@fieldgate/contracts';
import { createLogger, monotonicClock } from '@fieldgate/service';
import { DiskSpool, type DiskSpoolOptions } from '../spool/disk-spool.js';
import { SpoolingWriter, type SpoolingWriterParts, type SpoolLimits } from '../spool/spooling-writer.js';
import { AwayLog, NOW } from './away-log.js';
import { Inbox } from './inbox.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const LIMITS: SpoolLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 3_600_000,
  drainRecordsPerSecond: 1_000_000,
  afterMs: 2_000,
};

/** A spooling writer with a directory of its own, before a log that can go away. */
export class SpoolingBench {
  readonly log = new AwayLog();
  /** `key:text` and what became of it. */
  readonly settled = new Inbox<string>();
  /** At info and above, of all runs. */
  readonly lines = new Inbox<{ readonly msg: string; readonly [key: string]: unknown }>();
  readonly logger = createLogger({ level: 'info' }, { write: (line) => this.lines.push(JSON.parse(line)) });
  private writers: SpoolingWriter[] = [];

  private constructor(readonly directory: string) {}

  static async create(): Promise<SpoolingBench> {
    return new SpoolingBench(await mkdtemp(join(tmpdir(), 'fieldgate-spool-')));
  }

  async start(
    limits: Partial<SpoolLimits> = {},
    options: Partial<DiskSpoolOptions> = {},
    parts: Partial<SpoolingWriterParts> = {},
  ): Promise<SpoolingWriter> {
    const { directory, log, logger } = this;
    const disk = new DiskSpool({ directory, logger, damaged: () => undefined, ...options });
    await disk.open();
    const writer = new SpoolingWriter({
      log,
      disk,
      limits: { ...LIMITS, ...limits },
      clock: { now: () => NOW },
      monotonic: monotonicClock,
      logger,
      ...parts,
    });
    writer.start();
    this.writers.push(writer);
    return writer;
  }

  /** The newest. */
  async stop(): Promise<void> {
    const last = this.writers.pop();
    await last?.stopDraining();
    this.log.close();
    await last?.stop();
  }

  /** It has been stopped already. */
  forget(): void {
    this.writers.pop();
  }

  async end(): Promise<void> {
    while (this.writers.length > 0) await this.stop();
    await rm(this.directory, { recursive: true });
  }

  append(writer: SpoolingWriter, key: string, ...texts: string[]): void {
    for (const text of texts)
      writer.append({ topic: TOPIC, key, value: Buffer.from(text) }, (error, at) =>
        this.settled.push(`${key}:${text} ${error?.code ?? (at === undefined ? 'spooled' : 'in the log')}`),
      );
  }
}

export function untilState(writer: SpoolingWriter, state: string): Promise<void> {
  return until(() => writer.status().state === state);
}

/** Looks again and again, for a minute. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const startedAt = performance.now(); !(await isSo());) {
    if (performance.now() - startedAt > 60_000) throw new Error('it has not come to that');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
