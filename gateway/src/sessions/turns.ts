/** So many at once; who comes later waits in line. */
export class Turns {
  private taken = 0;
  private readonly line: (() => void)[] = [];
  private isOver = false;

  constructor(private readonly atOnce: number) {}

  /** undefined: now. Each is given back. */
  take(): Promise<void> | undefined {
    if (this.taken < this.atOnce || this.isOver) {
      this.taken += 1;
      return undefined;
    }
    return new Promise((resolve) => this.line.push(resolve));
  }

  give(): void {
    const next = this.line.shift();
    if (next) next();
    else this.taken -= 1;
  }

  /** Nobody waits any more. */
  end(): void {
    this.isOver = true;
    this.taken += this.line.length;
    for (const next of this.line.splice(0)) next();
  }
}
