import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SERVICES_SOURCE } from './paths.mjs';

/**
 * Services that a test or a bench started must not outlive it, however it ends: an exit handler does not run after
 * SIGKILL. So a small second process holds the other end of a pipe, and clears up when the pipe closes.
 * It exists while there is something to clear up.
 */

let keeper; // its process; undefined while nothing is watched
const watched = new Set();

/** @param {import('./own-process.mjs').OwnProcess} own killed when this process ends */
export function watchProcess(own) {
  add({ kind: 'process', ...own });
}

/** @param {import('./own-process.mjs').OwnProcess} own */
export function forgetProcess(own) {
  remove({ kind: 'process', ...own });
}

/** @param {string} path deleted when this process ends, after the processes are gone */
export function watchFolder(path) {
  add({ kind: 'folder', path });
}

/** @param {string} path */
export function forgetFolder(path) {
  remove({ kind: 'folder', path });
}

/** @param {object} subject */
function add(subject) {
  const line = JSON.stringify(subject);
  watched.add(line);
  keeper ??= startKeeper();
  keeper.stdin.write(`add ${line}\n`);
}

/** @param {object} subject */
function remove(subject) {
  const line = JSON.stringify(subject);
  if (!watched.delete(line)) return;
  keeper.stdin.write(`remove ${line}\n`);
  if (watched.size > 0) return;
  keeper.stdin.end();
  keeper = undefined;
}

function startKeeper() {
  const { NODE_OPTIONS: _, ...env } = process.env; // flags for the tests are not for the keeper
  const child = spawn(process.execPath, [join(SERVICES_SOURCE, 'lifeline-keeper.mjs')], {
    env,
    detached: true, // Ctrl-C reaches the whole process group, and the keeper must survive it
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  child.stdin.on('error', () => {}); // a keeper that was killed: nothing to be done about it here
  child.stdin.unref();
  return child;
}
