import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, uptime } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const HEARTBEAT_MS = 5_000;
const STALE_MS = 60_000;
const STALE_HERE_MS = 15 * 60_000; // a process id that is alive may by now be another process's
const POLL_MS = 100;
const BREAKING_MS = 10_000; // breaking a lock takes milliseconds; who needs longer died over it

/**
 * Does `work` while no other process does work under the same lock. The lock is a folder: `mkdir` fails for all but one.
 * A holder that died does not block the others: on the same host its process id is looked up; elsewhere (a shared
 * volume) its heartbeat, the folder's modification time, is older than a minute. `work` names the tools it has started,
 * because a tool goes on when its parent is killed: while one of them lives, the lock stands.
 * @template T
 * @param {string} lock path of the folder; its parent is created
 * @param {{ onWait: () => void }} options `onWait` is called once when another process has the lock
 * @param {(alsoHeldBy: (pid: number | undefined) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withFolderLock(lock, { onWait }, work) {
  const held = await acquire(lock, onWait);
  try {
    return await work((pid) => held.alsoHeldBy(pid));
  } finally {
    held.release();
  }
}

/**
 * @param {string} lock
 * @param {() => void} onWait
 */
async function acquire(lock, onWait) {
  mkdirSync(dirname(lock), { recursive: true });
  const owner = { host: hostname(), pids: [process.pid], token: randomUUID() };
  for (let waits = 0; !makeFolder(lock); waits++) {
    if (waits === 1) onWait();
    if (isStale(lock)) breakLock(lock);
    else await delay(POLL_MS);
  }
  writeOwner(lock, owner);
  const heartbeat = setInterval(() => touch(lock), HEARTBEAT_MS).unref();
  const isOurs = () => readOwner(lock)?.token === owner.token;
  return {
    release() {
      clearInterval(heartbeat);
      if (isOurs()) rmSync(lock, { recursive: true, force: true });
    },
    alsoHeldBy(/** @type {number | undefined} */ pid) {
      if (pid !== undefined) owner.pids.push(pid);
      if (isOurs()) writeOwner(lock, owner);
    },
  };
}

/** @param {string} lock */
function isStale(lock) {
  const ageMs = age(lock);
  if (ageMs === undefined) return false;
  const owner = readOwner(lock); // none: it is being made right now
  if (owner?.host !== hostname()) return ageMs > STALE_MS;
  return !owner.pids.some(isAlive) || ageMs > Math.min(STALE_HERE_MS, uptime() * 1000);
}

/** Two that saw the same stale lock must not break it one after the other: the second would break the first one's new lock. */
function breakLock(/** @type {string} */ lock) {
  const breaking = `${lock}.breaking`;
  if (!makeFolder(breaking)) {
    if ((age(breaking) ?? 0) > BREAKING_MS) removeFolder(breaking);
    return;
  }
  try {
    if (isStale(lock)) rmSync(lock, { recursive: true, force: true });
  } finally {
    removeFolder(breaking);
  }
}

/** @param {string} path */
function makeFolder(path) {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} path */
function removeFolder(path) {
  try {
    rmdirSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** @param {string} path */
function age(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return undefined; // released meanwhile
  }
}

/**
 * @param {string} lock
 * @param {{ host: string, pids: number[], token: string }} owner
 */
function writeOwner(lock, owner) {
  const incoming = join(lock, `owner-${owner.token}`);
  writeFileSync(incoming, JSON.stringify(owner));
  renameSync(incoming, join(lock, 'owner')); // never half a file
}

/**
 * @param {string} lock
 * @returns {{ host: string, pids: number[], token: string } | undefined}
 */
function readOwner(lock) {
  try {
    return JSON.parse(readFileSync(join(lock, 'owner'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} lock */
function touch(lock) {
  try {
    utimesSync(lock, new Date(), new Date());
  } catch {
    // broken by others after a long suspension; `release` sees that it is no longer ours
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
