import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** One call of a traced process. `from` and `to` are places in the trace: what ended before another began has a smaller `to` than its `from`. */
export interface SystemCall {
  readonly name: string;
  readonly fd: number;
  /** The path of the file, or `TCP:[local->remote]`. */
  readonly target: string;
  /** What was read or written, as far as the system took it. */
  readonly bytes: Buffer;
  /** Where in the file, of `pwrite64`, and of `writev` behind `lseek`. */
  readonly at: number;
  readonly from: number;
  /** Infinity: it never returned. */
  readonly to: number;
  readonly result: number;
}

const TRACED = 'read,write,writev,pwrite64,lseek,fdatasync,fsync,msync';
const LONGEST_BYTES = 4 * 1024 ** 2;

/** strace of a process that runs already, with all its threads. Resolves when it is attached; what that resolves to resolves at the end of the process. */
export async function traceOf(pid: number, file: string): Promise<() => Promise<readonly SystemCall[]>> {
  const options = ['-f', '-yy', '-xx', '-s', String(LONGEST_BYTES), '-e', `trace=${TRACED}`];
  const strace = spawn('strace', [...options, '-e', 'signal=none', '-p', String(pid), '-o', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(strace, 'close');
  let said = '';
  const attached = new Promise<void>((resolve) => {
    strace.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('attached')) resolve();
    });
  });
  await Promise.race([attached, ended]);
  if (!said.includes('attached')) throw new Error(`strace: ${said}`);
  return async () => {
    await ended;
    return callsIn(await readFile(file, 'latin1'));
  };
}

/** `PID name(fd<target>, …) = result`, or in two pieces where another thread's call came between. */
export function callsIn(trace: string): SystemCall[] {
  const begun = new Map<string, { readonly text: string; readonly from: number }>();
  const calls: SystemCall[] = [];
  const places = new Map<string, number>(); // of each file descriptor, and thread
  for (const [place, line] of trace.split('\n').entries()) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, { text: text.slice(0, -'<unfinished ...>'.length), from: place });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text);
    const { text: beginning = '', from = place } = resumed ? (begun.get(thread) ?? {}) : {};
    begun.delete(thread);
    const call = callOf(beginning + text.slice(resumed?.[0].length ?? 0), from, place);
    if (call?.name === 'lseek') places.set(`${thread} ${call.fd}`, call.result);
    else if (call) {
      const at = call.at ?? places.get(`${thread} ${call.fd}`) ?? 0;
      calls.push({ ...call, at });
      places.set(`${thread} ${call.fd}`, at + Math.max(0, call.result)); // a gathered write may go on without a seek
    }
  }
  for (const [thread, { text, from }] of begun) {
    const call = callOf(`${text}) = -1`, from, Infinity);
    if (call && call.name !== 'lseek')
      calls.push({ ...call, at: call.at ?? places.get(`${thread} ${call.fd}`) ?? 0 });
  }
  return calls;
}

type Parsed = Omit<SystemCall, 'at'> & { readonly at: number | undefined };

function callOf(text: string, from: number, to: number): Parsed | undefined {
  const head = /^(\w+)\((\d+)<((?:->|[^>])*)>/.exec(text);
  const result = Number(/ = (-?\d+)[^=]*$/.exec(text)?.[1] ?? -1);
  if (!head) return undefined;
  const [whole, name = '', fd = '', target = ''] = head;
  const args = text.slice(whole.length).replace(/\s*\)\s+= [^=]*$/, ''); // strace fills up to column 40
  const pieces = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => fromHex(hex));
  const bytes = Buffer.concat(pieces);
  const isDone = to !== Infinity;
  return {
    name,
    fd: Number(fd),
    target: target.startsWith('\\x') ? fromHex(target).toString() : target,
    bytes: isDone ? bytes.subarray(0, Math.max(0, result)) : bytes,
    at: name === 'pwrite64' ? Number(/(\d+)$/.exec(args)?.[1] ?? 0) : undefined,
    from,
    to,
    result,
  };
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}
