import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

/** An editor writes in several steps. */
const QUIET_MS = 100;
/** File systems that tell no changes (mounted ones, mostly) are looked at. */
const POLL_MS = 2_000;

export interface ReadFile {
  readonly text: string | undefined;
  /** Why there is none. */
  readonly problem: string | undefined;
}

/** The rules file on the disk: what it holds, and when to look at it again. */
export class RulesFile {
  readonly path: string;
  private watcher: FSWatcher | undefined;
  private poll: NodeJS.Timeout | undefined;
  private quiet: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.path = resolve(path);
  }

  async read(): Promise<ReadFile> {
    try {
      return { text: await readFile(this.path, 'utf8'), problem: undefined };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // what readFile throws
      return { text: undefined, problem: `the file cannot be read: ${code ?? String(error)}` };
    }
  }

  /** `look` is called some time after a change, and every few seconds in any case. */
  watch(look: () => void): void {
    this.poll = setInterval(look, POLL_MS);
    try {
      // the folder, because editors put a new file in the place of the old one
      this.watcher = watch(dirname(this.path), (_, name) => {
        if (name !== null && name !== basename(this.path)) return;
        clearTimeout(this.quiet);
        this.quiet = setTimeout(look, QUIET_MS);
      });
      this.watcher.on('error', () => this.watcher?.close()); // the poll goes on
    } catch {
      this.watcher = undefined; // there is no such folder, or the system watches no more of them: the poll is enough
    }
  }

  stop(): void {
    clearInterval(this.poll);
    clearTimeout(this.quiet);
    this.watcher?.close();
  }
}
