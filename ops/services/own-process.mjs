import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from './service-error.mjs';

const POLL_MS = 25;
const KILLED_MS = 10_000;
const HAS_PROC = existsSync('/proc/self/cmdline'); // else macOS

/**
 * A process that this folder's code started: its command line contains `marker`, the path of its configuration file.
 * A process id alone proves nothing: after the process has ended the kernel gives it to another one.
 * @typedef {{ pid: number, marker: string }} OwnProcess
 */

/** @param {OwnProcess} own */
export function isRunning({ pid, marker }) {
  return commandLine(pid).includes(marker);
}

/**
 * SIGTERM, then SIGKILL after `graceMs`; returns when the process is gone.
 * @param {OwnProcess} own
 * @param {number} graceMs 0 = SIGKILL at once
 * @returns {Promise<'ended' | 'killed' | 'was gone'>}
 */
export async function endProcess(own, graceMs) {
  if (!signal(own, graceMs > 0 ? 'SIGTERM' : 'SIGKILL')) return 'was gone';
  signal(own, 'SIGCONT'); // a frozen process sees SIGTERM only when it runs again
  if (graceMs > 0 && (await isGone(own, graceMs))) return 'ended';
  signal(own, 'SIGKILL');
  if (await isGone(own, KILLED_MS)) return 'killed';
  throw new ServiceError(`process ${own.pid} is still there ${KILLED_MS / 1000} s after SIGKILL`);
}

/**
 * @param {OwnProcess} own
 * @param {NodeJS.Signals} name
 * @returns {boolean} false: the process is gone
 */
export function signal(own, name) {
  if (!isRunning(own)) return false;
  try {
    process.kill(own.pid, name);
    return true;
  } catch (error) {
    if (error.code === 'ESRCH') return false; // between the look and the signal
    throw error;
  }
}

/**
 * @param {OwnProcess} own
 * @param {number} withinMs
 */
async function isGone(own, withinMs) {
  const deadline = performance.now() + withinMs;
  while (!hasEnded(own)) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/**
 * More than "no longer running": a killed process loses its command line before its sockets and files are closed, and
 * its first thread may be done before the others. Only then are its ports free again.
 * @param {OwnProcess} own
 */
function hasEnded(own) {
  if (!HAS_PROC) return !isRunning(own);
  try {
    const isZombie = /\) [ZX]/.test(readFileSync(`/proc/${own.pid}/stat`, 'utf8'));
    if (isZombie) return readdirSync(`/proc/${own.pid}/task`).length <= 1; // only its parent has not asked for it yet
    const line = commandLine(own.pid);
    return line !== '' && !line.includes(own.marker); // the number went to another process
  } catch {
    return true;
  }
}

/**
 * The command line, its arguments parted by blanks; empty for a process that is gone or waits to be reaped.
 * @param {number} pid
 */
function commandLine(pid) {
  try {
    if (HAS_PROC) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
