import { COMMIT_LOG, CommandsView, type CommitLog } from '@fieldgate/commit-log';
import { STORAGE_GROUP } from '@fieldgate/contracts';
import { CLOCK, MONOTONIC, type Clock } from '@fieldgate/service';
import { TELEMETRY_STORE, type TelemetryStore } from '@fieldgate/telemetry-store';
import { Inject, Injectable } from '@nestjs/common';
import { invalidRequest, Problem } from '../http/problem.js';
import type { Range } from '../http/query-schemas.js';
import { readingsFrom } from './readings-from.js';
import type { PartitionToVerify, Suspect, VerifyPosition } from './verify-partition.js';
import { VERIFIED_TOPICS, type VerifiedTopic } from './verify-records.js';
import { positionText, type VerifyRequest } from './verify-requests.js';
import { sifted, stretchesOf, type Stretch } from './verify-stretch.js';
import type { Sifted } from './verify-suspects.js';

export interface LedgerVerified {
  /** Of the append, epoch ms: inclusive, exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** In the log in this range, and to be stored; each of them is one of the following. */
  readonly checked: number;
  readonly stored: number;
  readonly refused: number;
  readonly duplicates: number;
  readonly pending: number;
  readonly missingTotal: number;
  /** The first of them. */
  readonly missing: readonly Suspect[];
  /** Later than `fromMs`: of readings that came before, some have gone from the log, and only the others were compared. */
  readonly readingsFromMs?: number;
  /** There is more to look at: what was said is about what stands before it. */
  readonly next?: VerifyPosition;
}

const HOUR_MS = 3_600_000;
/** What has just arrived is on its way to the store. */
const ON_ITS_WAY_MS = 60_000;
/** From then on no more is read than what tells what has been found. */
const READ_MS = 15_000;
/** Then the answer goes out, and says where to go on: a client and what stands before it do not wait for ever. */
const MOST_MS = 20_000;
const MOST_AT_ONCE = 2;
/** Stretches that there was no time for, each with up to some thousand suspects. The oldest goes first: it is looked at anew. */
const MOST_HELD = 4;

/** Compares what is in the log with what is in the store. Changes nothing. */
@Injectable()
export class VerifyLedger {
  private running = 0;
  private readonly held = new Map<string, Stretch>();

  constructor(
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(TELEMETRY_STORE) private readonly store: TelemetryStore,
    private readonly commands: CommandsView,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(MONOTONIC) private readonly monotonic: Clock,
  ) {}

  async verify(request: VerifyRequest, gone: AbortSignal): Promise<LedgerVerified> {
    const tally = new Tally(rangeOf(request, this.clock.now()), request.limit);
    if (this.running >= MOST_AT_ONCE)
      throw new Problem('too-many-requests', `${MOST_AT_ONCE} verifications are under way here already`);
    this.running += 1;
    const since = this.monotonic.now();
    const isPast = (ms: number) => (): boolean => gone.aborted || this.monotonic.now() - since >= ms;
    try {
      return await this.run(request, tally, { isShort: isPast(READ_MS), isOver: isPast(MOST_MS) });
    } finally {
      this.running -= 1;
    }
  }

  private async run(request: VerifyRequest, tally: Tally, time: Time): Promise<LedgerVerified> {
    const sources = { reader: this.log.reader, store: this.store, commands: this.commands };
    const take = async (stretch: Stretch): Promise<boolean> => {
      const outcome = await sifted(stretch, time.isOver);
      if (outcome) tally.add(stretch, outcome);
      else this.hold(stretch, nameOf(stretch.start, request, tally.range));
      return outcome !== undefined;
    };
    const held = request.start && this.heldBack(nameOf(request.start, request, tally.range));
    if (held && !(await take(held))) return tally.outcome(held.start);
    const parts = await this.partsOf({ ...request, start: held?.next ?? request.start }, tally.range);
    tally.readingsFromMs = await readingsFrom(this.log.reader, telemetryOf(parts), this.clock.now());
    for (const part of parts) {
      for await (const stretch of stretchesOf(sources, part, time.isShort)) {
        if (!(await take(stretch))) return tally.outcome(stretch.start);
        if (time.isShort()) return tally.outcome(stretch.next);
      }
    }
    return tally.outcome();
  }

  /** What has been read for it would have to be read again, and again there would not be time enough. */
  private hold(stretch: Stretch, name: string): void {
    this.held.set(name, stretch);
    const [oldest] = this.held.keys();
    if (this.held.size > MOST_HELD && oldest !== undefined) this.held.delete(oldest);
  }

  private heldBack(name: string): Stretch | undefined {
    const stretch = this.held.get(name);
    this.held.delete(name);
    return stretch;
  }

  /** Topic by topic, partition by partition: an answer says where in this order the next call goes on. */
  private async partsOf({ device, start }: VerifyRequest, range: Range): Promise<PartitionToVerify[]> {
    const { reader } = this.log;
    const parts: PartitionToVerify[] = [];
    for (const topic of VERIFIED_TOPICS) {
      const committed = await reader.committed(STORAGE_GROUP, topic); // before the store is asked: it holds all of that by then
      const only = device === undefined ? undefined : reader.partitionOf(topic, device);
      for (const bounds of await reader.bounds(topic)) {
        const { partition, earliest } = bounds;
        if (only !== undefined && partition !== only) continue;
        if (start && isBefore(topic, partition, start)) continue;
        const isFirst = topic === start?.topic && partition === start.partition;
        parts.push({
          ...range,
          topic,
          bounds: { ...bounds, earliest: isFirst ? Math.max(earliest, start.offset) : earliest },
          committed: committed.get(partition) ?? 0,
          deviceId: device,
        });
      }
    }
    return parts;
  }
}

function telemetryOf(parts: readonly PartitionToVerify[]): Set<number> {
  const readings = parts.filter(({ topic }) => topic === 'fieldgate.telemetry.v1');
  return new Set(readings.map(({ bounds }) => bounds.partition));
}

interface Time {
  readonly isShort: () => boolean;
  readonly isOver: () => boolean;
}

/** The same call goes on. */
function nameOf(start: VerifyPosition, { device }: VerifyRequest, { fromMs, toMs }: Range): string {
  return `${positionText(start)} ${fromMs} ${toMs} ${device ?? ''}`;
}

function isBefore(topic: VerifiedTopic, partition: number, start: VerifyPosition): boolean {
  const order = VERIFIED_TOPICS.indexOf(topic) - VERIFIED_TOPICS.indexOf(start.topic);
  return order < 0 || (order === 0 && partition < start.partition);
}

/** The last hour but the minute that has just been, unless told. */
function rangeOf({ from, to }: VerifyRequest, nowMs: number): Range {
  const toMs = to ?? nowMs - ON_ITS_WAY_MS;
  const fromMs = from ?? toMs - HOUR_MS;
  if (fromMs < toMs) return { fromMs, toMs };
  const message = to === undefined ? 'must be more than a minute ago' : 'must be earlier than to';
  throw invalidRequest([{ path: ['from'], message }]);
}

class Tally {
  private readonly counts = { stored: 0, refused: 0, duplicates: 0, pending: 0, missingTotal: 0 };
  private readonly missing: Suspect[] = [];
  readingsFromMs = 0;

  constructor(
    readonly range: Range,
    private readonly limit: number,
  ) {}

  add({ stored, pending }: Stretch, { refused, duplicates, missing }: Sifted): void {
    this.counts.stored += stored;
    this.counts.pending += pending;
    this.counts.refused += refused;
    this.counts.duplicates += duplicates;
    this.counts.missingTotal += missing.length;
    this.missing.push(...missing.slice(0, this.limit - this.missing.length));
  }

  outcome(next?: VerifyPosition): LedgerVerified {
    const checked = Object.values(this.counts).reduce((sum, count) => sum + count, 0);
    const { range, counts, missing, readingsFromMs } = this;
    const isCut = readingsFromMs > range.fromMs;
    return {
      ...range,
      checked,
      ...counts,
      missing,
      ...(isCut && { readingsFromMs: Math.min(readingsFromMs, range.toMs) }),
      ...(next && { next }),
    };
  }
}
