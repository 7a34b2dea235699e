/** What of one partition is in the spool, or on its way there. */
interface SpooledPartition {
  /** The log has not taken records of it in time, and has not shown since that it would. */
  isAway: boolean;
  records: number;
  /** By key. */
  readonly keys: Map<string, number>;
}

/**
 * Which records have to go behind others that wait in the spool: all of a partition that is away, and those of a key that has older ones there.
 * Everything else may go to the log at once, so that a backlog holds up nobody who has no part in it. By the name of the partition.
 */
export class SpooledPartitions {
  private readonly partitions = new Map<string, SpooledPartition>();

  get isEmpty(): boolean {
    return this.partitions.size === 0;
  }

  get someAreAway(): boolean {
    for (const { isAway } of this.partitions.values()) if (isAway) return true;
    return false;
  }

  mustWait(name: string, key: string): boolean {
    const partition = this.partitions.get(name);
    return partition !== undefined && (partition.isAway || partition.keys.has(key));
  }

  add(name: string, key: string): void {
    let partition = this.partitions.get(name);
    if (!partition) this.partitions.set(name, (partition = { isAway: false, records: 0, keys: new Map() }));
    partition.records += 1;
    partition.keys.set(key, (partition.keys.get(key) ?? 0) + 1);
  }

  /** It is in the log, or will never be. With its last record a partition is forgotten, and the log is tried again. */
  remove(name: string, key: string): void {
    const partition = this.partitions.get(name);
    const ofKey = partition?.keys.get(key);
    if (!partition || ofKey === undefined) return;
    if (ofKey > 1) partition.keys.set(key, ofKey - 1);
    else partition.keys.delete(key);
    partition.records -= 1;
    if (partition.records === 0) this.partitions.delete(name);
  }

  /** Nothing is left. */
  clear(): void {
    this.partitions.clear();
  }

  /** Only what has records here can be away. */
  setAway(name: string, isAway: boolean): void {
    const partition = this.partitions.get(name);
    if (partition) partition.isAway = isAway;
  }

  isAway(name: string): boolean {
    return this.partitions.get(name)?.isAway ?? false;
  }
}
