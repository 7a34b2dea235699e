import { Duplex } from 'node:stream';

/** The server's end of a socket whose client reads as much as it is told to. As with a socket, a write is done when all of it was read. */
export class SlowStream extends Duplex {
  readonly taken: Buffer[] = [];
  private offered: Buffer = Buffer.alloc(0);
  private done: (() => void) | undefined;

  /** The client reads so many bytes, if there are any. */
  letRead(bytes: number): void {
    this.taken.push(this.offered.subarray(0, bytes));
    this.offered = this.offered.subarray(bytes);
    if (this.offered.length > 0) return;
    const { done } = this;
    this.done = undefined;
    done?.();
  }

  override _read(): void {
    // what the client sends is pushed
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.offered = chunk;
    this.done = done;
  }

  /** What has gathered behind a write is the next one. */
  override _writev(chunks: { readonly chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), '', done);
  }
}
