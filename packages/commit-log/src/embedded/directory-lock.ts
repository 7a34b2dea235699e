import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FieldgateError } from '@fieldgate/contracts';
import { pause } from '@fieldgate/service';
import { codeOf, reasonOf } from './system-error.js';

/** How often a holder says that it lives, and after what silence it is believed dead by those who cannot look at its process. */
const TOUCH_MS = 5_000;
const SILENCE_MS = 15_000;
const ATTEMPTS = 5;
/** A lock that is being written, or one that is being taken away. */
const ASIDE = /^in-use\.lock\.([0-9a-f]{12}){1,2}$/;

interface Holder {
  readonly token: string;
  readonly pid: number;
  /** Of the process, where the system tells it: a process id is used again. */
  readonly started: string | undefined;
  readonly host: string;
}

/** Tokens of this very process, from before their locks can be seen. */
const ours = new Set<string>();

/**
 * One process per data directory: a second one would give positions out twice. The lock is a file that names its holder; the lock of a process
 * that is gone does not count, and neither does one of another host (a container that shared the volume) that has fallen silent.
 */
export class DirectoryLock {
  private readonly path: string;
  private touching: NodeJS.Timeout | undefined;
  private token: string | undefined;

  constructor(private readonly directory: string) {
    this.path = join(directory, 'in-use.lock');
  }

  async take(): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 }); // what devices say is nobody else's business
      await this.create();
      await this.removeLeftovers();
    } catch (error) {
      if (error instanceof FieldgateError) throw error;
      throw new FieldgateError('data-dir-unusable', `${this.directory} cannot be used: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    this.touching = setInterval(() => {
      const now = new Date();
      utimes(this.path, now, now).catch(() => undefined); // only other hosts look at it, and only when they want the directory
    }, TOUCH_MS).unref();
  }

  async release(): Promise<void> {
    clearInterval(this.touching);
    const { token } = this;
    if (token === undefined) return;
    this.token = undefined;
    ours.delete(token);
    const holder = await readHolder(this.path);
    if (holder?.token === token) await rm(this.path, { force: true });
  }

  private async create(): Promise<void> {
    const token = randomBytes(12).toString('hex');
    const holder: Holder = {
      token,
      pid: process.pid,
      started: (await stateOf(process.pid))?.started,
      host: hostname(),
    };
    ours.add(token);
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        if (await createWhole(this.path, token, holder)) {
          this.token = token;
          return;
        }
        const other = await readHolder(this.path);
        if (await this.isAlive(other)) throw this.inUse(other);
        await this.remove(other);
      }
      throw this.inUse(await readHolder(this.path));
    } finally {
      if (this.token !== token) ours.delete(token);
    }
  }

  /** Processes that were killed while they took a lock, or took one away, have left it aside. */
  private async removeLeftovers(): Promise<void> {
    try {
      for (const name of await readdir(this.directory)) {
        const path = join(this.directory, name);
        if (ASIDE.test(name) && (await this.isLeftover(path))) await rm(path, { force: true });
      }
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  private async isLeftover(path: string): Promise<boolean> {
    const holder = await readHolder(path);
    if (holder?.host === hostname()) return !(await this.isAlive(holder));
    const touched = await touchedAt(path);
    return touched !== undefined && Date.now() - touched > SILENCE_MS; // a lock is aside for milliseconds
  }

  private async isAlive(holder: Holder | undefined): Promise<boolean> {
    if (holder === undefined) return false; // unreadable: written by nobody who lives
    if (ours.has(holder.token)) return true;
    if (holder.host !== hostname()) return this.isHeardOf();
    if (holder.pid === process.pid || !isRunning(holder.pid)) return false;
    const state = await stateOf(holder.pid);
    if (state === undefined) return true;
    return !state.isDead && (holder.started === undefined || state.started === holder.started);
  }

  /** Another host's process cannot be asked: has it touched its lock while we watched? */
  private async isHeardOf(): Promise<boolean> {
    const before = await touchedAt(this.path);
    if (before === undefined) return false;
    const silence = Date.now() - before; // file times are the system's own clock
    if (silence < SILENCE_MS) await pause(SILENCE_MS - Math.max(0, silence));
    return (await touchedAt(this.path)) !== before;
  }

  /** Takes a dead holder's lock away; puts it back when it was somebody else's who was quicker. */
  private async remove(dead: Holder | undefined): Promise<void> {
    const aside = `${this.path}.${randomBytes(6).toString('hex')}`;
    try {
      await rename(this.path, aside);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    const removed = await readHolder(aside);
    if (removed !== undefined && removed.token !== dead?.token) await link(aside, this.path);
    await rm(aside, { force: true }); // whoever was quicker may have removed it as a leftover
  }

  private inUse(holder: Holder | undefined): FieldgateError {
    const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
    return new FieldgateError('data-dir-unusable', `${this.directory} is in use by ${who}`);
  }
}

/** A lock is never seen half written: it is linked into its place when it is whole. */
async function createWhole(path: string, token: string, holder: Holder): Promise<boolean> {
  const draft = `${path}.${token}`;
  await writeFile(draft, JSON.stringify(holder));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return parseHolder(await readFile(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(text);
    return isHolder(holder) ? holder : undefined;
  } catch {
    return undefined; // not JSON: not ours
  }
}

function isHolder(value: unknown): value is Holder {
  const holder = value as Partial<Holder> | null; // looked at field by field
  return (
    typeof holder?.token === 'string' && typeof holder.pid === 'number' && typeof holder.host === 'string'
  );
}

async function touchedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

interface ProcessState {
  readonly started: string | undefined;
  readonly isDead: boolean;
}

/** proc(5), /proc/pid/stat: undefined where there is no /proc, or when the process is gone in this moment: then its id alone decides. */
async function stateOf(pid: number): Promise<ProcessState | undefined> {
  let line: string;
  try {
    line = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' '); // from field 3 on
  const [state = '', threads, started] = [fields[0], fields[17], fields[19]]; // the start is in ticks since the system started
  // killed, and its parent has not asked for it yet; with more than one thread, one of them may still be in a write
  return { started, isDead: /[ZX]/.test(state) && Number(threads) <= 1 };
}
