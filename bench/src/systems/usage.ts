import { readFileSync, readdirSync } from 'node:fs';

/** Of `/proc`: what the kernel has counted for a process. Clock ticks are 1/100 s on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** User and system time are each cut to ticks. */
const CUT_SECONDS = 2 / TICKS_PER_SECOND;

/**
 * User and system time of all its threads, in seconds. To the microsecond by the scheduler's own account: at a few hundred messages a second a
 * tick is a tenth of what is measured. That account knows only the threads that live; when it lacks one that has ended, the ticks count.
 */
export function cpuSeconds(pid: number): number {
  const ticks = tickSeconds(pid);
  const exact = scheduledSeconds(pid);
  return exact > ticks - CUT_SECONDS / 2 && exact < ticks + 2 * CUT_SECONDS ? exact : ticks;
}

function tickSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name in brackets may hold spaces
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** 0 where the kernel keeps no such account. */
function scheduledSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [ran] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
      nanoseconds += Number(ran);
    } catch {
      return 0; // it has ended in this moment, or there is no such account
    }
  }
  return nanoseconds / 1e9;
}

/** Resident memory in MB. */
export function rssMb(pid: number): number {
  return statusMb(pid, 'VmRSS');
}

/** What of it is no file: a log that is mapped into memory counts as resident, and can be dropped at any time. */
export function anonymousMb(pid: number): number {
  return statusMb(pid, 'RssAnon');
}

function statusMb(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}
