import { COMMIT_LOG, type CommitLog, type LogPosition, type LogRecord } from '@fieldgate/commit-log';
import { deadLetterRecordSchema, isRejection, parseJson, type DeadLetterRecord } from '@fieldgate/contracts';
import { Inject, Injectable } from '@nestjs/common';

const TOPIC = 'fieldgate.dead-letters.v1';
/** Records of one partition that are read at once; without their payloads they are small. */
const CHUNK = 256;
/** Records that one request may look at: a rare code must not make it read 30 days. */
const MAX_READ = 20_000;

/** A dead letter without its bytes, which may be large. */
export interface DeadLetterSummary extends LogPosition {
  readonly timestampMs: number;
  readonly deviceId: string;
  readonly time: string;
  readonly gateway?: string | undefined;
  readonly code: string;
  readonly detail: string;
  readonly origin: DeadLetterRecord['data']['origin'];
  readonly payloadBytes: number;
}

export interface DeadLetter {
  readonly summary: DeadLetterSummary;
  readonly payload: Buffer;
}

/** Which letters are wanted; times in epoch ms, `toMs` exclusive. */
export interface LetterFilter {
  readonly device?: string | undefined;
  readonly code?: string | undefined;
  readonly origin?: DeadLetterSummary['origin']['kind'] | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** Where the next page begins: per partition, the offset that the page before did not reach. */
export type PageStart = ReadonlyMap<number, number>;

/** Dead letters straight from the log. */
@Injectable()
export class ReadDeadLetters {
  constructor(@Inject(COMMIT_LOG) private readonly log: CommitLog) {}

  /** The newest first, by the time of their append; `next` when there may be more. */
  async page(
    query: LetterFilter & { readonly limit: number; readonly before: PageStart | undefined },
  ): Promise<{ readonly letters: readonly DeadLetterSummary[]; readonly next?: PageStart }> {
    const tails = await this.tails(query.device, query.before);
    const letters: DeadLetterSummary[] = [];
    for (let read = 0; letters.length < query.limit && read < MAX_READ; read++) {
      await Promise.all(tails.map((tail) => tail.fill()));
      const newest = tails.reduce<Tail | undefined>(newer, undefined);
      if (!newest) return { letters };
      const letter = newest.take();
      if (letter && isWanted(letter, query)) letters.push(letter);
    }
    return { letters, next: new Map(tails.map((tail) => [tail.partition, tail.position])) };
  }

  async get(at: LogPosition): Promise<DeadLetter | undefined> {
    const bounds = (await this.log.reader.bounds(TOPIC)).find(({ partition }) => partition === at.partition);
    if (!bounds || at.offset < bounds.earliest || at.offset >= bounds.end) return undefined;
    const range = { partition: at.partition, from: at.offset, to: at.offset + 1 };
    for await (const record of this.log.reader.read(TOPIC, range)) return letterOf(record);
    return undefined;
  }

  private async tails(device: string | undefined, before: PageStart | undefined): Promise<readonly Tail[]> {
    const only = device === undefined ? undefined : this.log.reader.partitionOf(TOPIC, device);
    const bounds = await this.log.reader.bounds(TOPIC);
    return bounds
      .filter(({ partition }) => only === undefined || partition === only)
      .map(({ partition, earliest, end }) => {
        // a partition that is new since the page before holds only what is newer than that page
        const from = before === undefined ? end : Math.min(before.get(partition) ?? earliest, end);
        return new Tail(this.log, partition, earliest, from);
      });
  }
}

/** One partition, read from its end to its beginning: chunk by chunk, because a log is read forwards only. */
class Tail {
  private chunk: {
    readonly offset: number;
    readonly timestampMs: number;
    readonly letter: DeadLetterSummary | undefined;
  }[] = [];
  private chunkFrom: number;

  /** `position`: what stands before it has not been taken yet. */
  constructor(
    private readonly log: CommitLog,
    readonly partition: number,
    private readonly earliest: number,
    public position: number,
  ) {
    this.chunkFrom = position;
  }

  get head(): { readonly timestampMs: number } | undefined {
    return this.chunk.at(-1);
  }

  async fill(): Promise<void> {
    while (this.chunk.length === 0 && this.chunkFrom > this.earliest) {
      const to = this.chunkFrom;
      const from = Math.max(this.earliest, to - CHUNK);
      for await (const record of this.log.reader.read(TOPIC, { partition: this.partition, from, to })) {
        const { offset, timestampMs } = record;
        this.chunk.push({ offset, timestampMs, letter: letterOf(record)?.summary });
      }
      this.chunkFrom = from;
    }
  }

  /** The newest that is left; undefined for a record that is not a dead letter. */
  take(): DeadLetterSummary | undefined {
    const taken = this.chunk.pop();
    this.position = taken?.offset ?? this.position;
    return taken?.letter;
  }
}

function newer(best: Tail | undefined, tail: Tail): Tail | undefined {
  if (!tail.head) return best;
  return best?.head && best.head.timestampMs >= tail.head.timestampMs ? best : tail;
}

function isWanted(
  { deviceId, code, origin, timestampMs }: DeadLetterSummary,
  { device, code: wantedCode, origin: wantedOrigin, fromMs = 0, toMs = Infinity }: LetterFilter,
): boolean {
  if (device !== undefined && deviceId !== device) return false;
  if (wantedCode !== undefined && code !== wantedCode) return false;
  if (wantedOrigin !== undefined && origin.kind !== wantedOrigin) return false;
  return timestampMs >= fromMs && timestampMs < toMs;
}

/** Undefined for what is not a dead letter of ours: nothing else can be shown of it. */
function letterOf(record: LogRecord): DeadLetter | undefined {
  const parsed = parseJson(record.value ?? new Uint8Array());
  const letter = isRejection(parsed) ? undefined : deadLetterRecordSchema.safeParse(parsed.value).data;
  if (!letter) return undefined;
  const payload = Buffer.from(letter.data.payload, 'base64');
  const { subject: deviceId, time, gateway } = letter;
  const { code, detail, origin } = letter.data;
  const { partition, offset, timestampMs } = record;
  const place = { partition, offset, timestampMs };
  return {
    summary: { ...place, deviceId, time, gateway, code, detail, origin, payloadBytes: payload.length },
    payload,
  };
}
