/**
 * Which records of one partition that are filed under their arrival were seen lately, by source and id: a device that did not get its PUBACK
 * sends the same message again, and both copies lie in the log shortly after one another, each under a time of its own. Whatever is filed
 * under the device's own time is found by the store, however late it comes again (see TelemetryStore), and takes no place here.
 * Ids that a gateway made up take no place either: they come only once. Two generations of ids, so that the memory is bounded and the newest `capacity` are always known.
 */
export class RecentRecords {
  private current = new Map<string, number>();
  private previous = new Map<string, number>();

  constructor(private readonly capacity: number) {}

  /** Of the first one under this name: the one that is stored, or has a dead letter. */
  timeOf(name: string): number | undefined {
    return this.current.get(name) ?? this.previous.get(name);
  }

  add(name: string, timeMs: number): void {
    this.current.set(Buffer.from(name).toString(), this.timeOf(name) ?? timeMs); // a copy: a part of a longer text would keep all of that in memory
    if (this.current.size < this.capacity) return;
    this.previous = this.current;
    this.current = new Map();
  }
}
