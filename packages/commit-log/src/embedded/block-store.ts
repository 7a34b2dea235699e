import type { LogTopic } from '@fieldgate/contracts';
import { FieldgateError, LOG_TOPICS } from '@fieldgate/contracts';
import { open, type Database, type RootDatabase } from 'lmdb';
import { checkDataFile } from './data-file.js';
import { openFailure, writeFailure } from './lmdb-errors.js';
import { blockHeader, isIntact, type BlockHeader } from './record-block.js';

/** One change of the store: all of it is on this disk when `commit` resolves, or none of it is there. */
export interface StoreChange {
  readonly put?: readonly { readonly topic: LogTopic; readonly base: number; readonly block: Buffer }[];
  readonly remove?: readonly { readonly topic: LogTopic; readonly base: number }[];
  /** Small facts under a name: where groups have come to, where topics end. */
  readonly facts?: Iterable<readonly [string, number | Buffer]>;
}

/**
 * Blocks of records in LMDB, per topic under the offset of their first record. `overlappingSync` is off: a commit is then LMDB's own, which
 * writes the pages, calls fdatasync, writes the meta page through a descriptor opened with O_DSYNC, and only then reports (in
 * lmdb-js' default mode a commit is reported before it is on disk).
 */
export class BlockStore {
  private root: RootDatabase<Buffer, number> | undefined;
  private facts: Database<number | Buffer, string> | undefined;
  private readonly topics = new Map<LogTopic, Database<Buffer, number>>();

  constructor(readonly directory: string) {}

  open(): void {
    checkDataFile(this.directory);
    try {
      const root = open<Buffer, number>({
        path: this.directory,
        encoding: 'binary',
        overlappingSync: false,
        eventTurnBatching: false,
        txnStartThreshold: 1, // `GroupCommit` has gathered already
        noMemInit: true,
        maxDbs: Object.keys(LOG_TOPICS).length + 2,
        maxReaders: 126,
      } as Parameters<typeof open<Buffer, number>>[0]); // txnStartThreshold is missing in lmdb's types
      this.root = root;
      this.facts = root.openDB<number | Buffer, string>({ name: 'facts', encoding: 'msgpack' });
      for (const topic of Object.keys(LOG_TOPICS) as LogTopic[])
        // the keys of LOG_TOPICS are the topics
        this.topics.set(topic, root.openDB<Buffer, number>({ name: topic, encoding: 'binary' }));
    } catch (error) {
      throw openFailure(this.directory, error);
    }
  }

  async close(): Promise<void> {
    const root = this.root;
    this.root = undefined;
    this.topics.clear();
    await root?.close();
  }

  /** Rejects with `log-unavailable`; what was put is then not in the store. The buffers must stay as they are until it has settled. */
  async commit(change: StoreChange): Promise<void> {
    const { root, facts } = this;
    if (root === undefined || facts === undefined)
      throw new FieldgateError('log-unavailable', 'the log is closed');
    try {
      await root.batch(() => {
        for (const { topic, base, block } of change.put ?? []) void this.topic(topic).put(base, block);
        for (const { topic, base } of change.remove ?? []) void this.topic(topic).remove(base);
        for (const [name, value] of change.facts ?? []) void facts.put(name, value);
      });
    } catch (error) {
      throw await writeFailure(this.directory, error);
    }
  }

  /** The block that begins at `base`, as bytes of the caller's own. */
  block(topic: LogTopic, base: number): Buffer | undefined {
    const block = this.topic(topic).getBinary(base);
    if (block === undefined || isIntact(block)) return block;
    throw new FieldgateError(
      'data-damaged',
      `the log in ${this.directory} is damaged: the records of ${topic} from ${base} on cannot be read`,
    );
  }

  has(topic: LogTopic, base: number): boolean {
    return this.topic(topic).doesExist(base);
  }

  header(topic: LogTopic, base: number): BlockHeader | undefined {
    const block = this.topic(topic).getBinary(base);
    return block === undefined ? undefined : blockHeader(base, block);
  }

  /** The block that an offset is in, or the first one after it. */
  baseAtOrAfter(topic: LogTopic, offset: number): number | undefined {
    const before = this.firstKey(topic, { start: offset, reverse: true });
    if (before !== undefined && (this.header(topic, before)?.end ?? 0) > offset) return before;
    return this.firstKey(topic, { start: offset });
  }

  firstBase(topic: LogTopic): number | undefined {
    return this.firstKey(topic, {});
  }

  lastBase(topic: LogTopic): number | undefined {
    return this.firstKey(topic, { reverse: true });
  }

  bases(topic: LogTopic, from: number, limit: number): number[] {
    return [...this.topic(topic).getKeys({ start: from, limit })];
  }

  allFacts(): (readonly [string, number | Buffer])[] {
    return [...(this.facts?.getRange({}) ?? [])].map(({ key, value }) => [key, value] as const);
  }

  /** Of the pages that hold this topic. */
  bytesOf(topic: LogTopic): number {
    const stats = this.topic(topic).getStats() as PageCounts; // typed as {} by lmdb
    return (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages) * stats.pageSize;
  }

  private firstKey(topic: LogTopic, range: { start?: number; reverse?: boolean }): number | undefined {
    for (const key of this.topic(topic).getKeys({ ...range, limit: 1 })) return key;
    return undefined;
  }

  private topic(topic: LogTopic): Database<Buffer, number> {
    const database = this.topics.get(topic);
    if (database === undefined) throw new FieldgateError('log-unavailable', 'the log is closed');
    return database;
  }
}

interface PageCounts {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}
