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

  /** Of one that is idle the log is tried with whatever comes: nothing that waits would tell when it is back. */
  mustWait(name: string, key: string): boolean {
    const partition = this.partitions.get(name);
    return partition !== undefined && !isIdle(partition) && (partition.isAway || partition.keys.has(key));
  }

  /** Away, and its records were all given up: only the log can tell that it is well. */
  isIdle(name: string): boolean {
    const partition = this.partitions.get(name);
    return partition !== undefined && isIdle(partition);
  }

  get someAreIdle(): boolean {
    for (const partition of this.partitions.values()) if (isIdle(partition)) return true;
    return false;
  }

  add(name: string, key: string): void {
    let partition = this.partitions.get(name);
    if (!partition) this.partitions.set(name, (partition = { isAway: false, records: 0, keys: new Map() }));
    partition.records += 1;
    partition.keys.set(key, (partition.keys.get(key) ?? 0) + 1);
  }

  /** It is in the log, or will never be. With its last record a partition is forgotten, and the log is tried again. */
  remove(name: string, key: string): void {
    const partition = this.take(name, key);
    if (partition?.records === 0) this.partitions.delete(name);
  }

  /** The disk did not take it either: that says nothing of the log. */
  giveUp(name: string, key: string): void {
    const partition = this.take(name, key);
    if (partition?.records === 0 && !partition.isAway) this.partitions.delete(name);
  }

  /** The log answers; by default for all of them. */
  forgetIdle(name?: string): void {
    for (const [each, partition] of this.partitions)
      if (isIdle(partition) && each === (name ?? each)) this.partitions.delete(each);
  }

  /** No record is left. */
  clear(): void {
    for (const [name, partition] of this.partitions) if (!isIdle(partition)) this.partitions.delete(name);
  }

  /** Only what has records here can be away. */
  setAway(name: string, isAway: boolean): void {
    const partition = this.partitions.get(name);
    if (partition) partition.isAway = isAway;
  }

  isAway(name: string): boolean {
    return this.partitions.get(name)?.isAway ?? false;
  }

  private take(name: string, key: string): SpooledPartition | undefined {
    const partition = this.partitions.get(name);
    const ofKey = partition?.keys.get(key);
    if (!partition || ofKey === undefined) return undefined;
    if (ofKey > 1) partition.keys.set(key, ofKey - 1);
    else partition.keys.delete(key);
    partition.records -= 1;
    return partition;
  }
}

function isIdle({ isAway, records }: SpooledPartition): boolean {
  return isAway && records === 0;
}
