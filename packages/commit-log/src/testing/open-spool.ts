import { createLogger } from '@fieldgate/service';
import { DiskSpool, type DiskSpoolOptions } from '../spool/disk-spool.js';
import type { SpooledRecord, SpoolPosition } from '../spool/record-frame.js';
import type { DamageReport } from '../spool/spool-quarantine.js';
import type { ReadRecord } from '../spool/spool-segment.js';

export interface OpenSpool {
  readonly spool: DiskSpool;
  readonly reports: DamageReport[];
  /** What it has logged at warn and above. */
  readonly lines: { readonly level: number; readonly msg: string }[];
}

export async function openSpool(
  directory: string,
  options: Partial<DiskSpoolOptions> = {},
): Promise<OpenSpool> {
  const reports: DamageReport[] = [];
  const lines: OpenSpool['lines'] = [];
  const logger = createLogger({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const spool = new DiskSpool({
    directory,
    logger,
    damaged: (report) => void reports.push(report),
    ...options,
  });
  await spool.open();
  return { spool, reports, lines };
}

export function spooled(key: string, value: string | null = key): SpooledRecord {
  return {
    topic: 'fieldgate.events.v1',
    key,
    value: value === null ? null : Buffer.from(value),
    timestampMs: 1_700_000_000_000,
  };
}

/** Everything from a position on, as a reader of the spool gets it. */
export async function readAll(
  spool: DiskSpool,
  from: SpoolPosition = spool.released,
  limits = { maxRecords: 500, maxBytes: 64 * 1024 },
): Promise<ReadRecord[]> {
  const all: ReadRecord[] = [];
  let at = from;
  for (;;) {
    const some = await spool.read(at, limits);
    const last = some.at(-1);
    if (last === undefined) return all;
    all.push(...some);
    at = last.next;
  }
}

/** Key and value of each. */
export function textsOf(records: readonly ReadRecord[]): string[] {
  return records.map(({ record: { key, value } }) => `${key}=${Buffer.from(value ?? []).toString()}`);
}
