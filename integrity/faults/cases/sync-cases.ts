import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FieldgateProcess } from '../../support/fieldgate-process.js';
import { Operator } from '../../support/operator.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import type { FaultCase, FaultContext } from '../fault-case.js';
import { Load } from '../load.js';
import { count, judge } from '../oracle.js';
import { cutTo, segmentsIn } from '../spool-files.js';
import { acknowledgementsIn, writesTo } from '../synced.js';
import { traceOf, type SystemCall } from '../system-calls.js';
import { spoolDirectory, untilSpooling, whileFrozen } from './spool-faults.js';

const ANSWERED_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 30_000;
const SYNCHRONOUS = 0o10000; // O_DSYNC
/** Short enough for strace, which stops every thread at every call. */
const LIGHT = { devices: 10, perSecond: 200 };

/** What is acknowledged is on the disk, and not only on its way there: proved by strace, and by a power cut that takes what was not flushed. */
export const syncCases: readonly FaultCase[] = [
  {
    name: 'F60',
    title:
      'spool: every PUBACK leaves after its fdatasync (strace); `kill -9`, and what was not flushed is lost',
    takesMs: 40_000,
    load: LIGHT,
    async run(context) {
      const { installation, load, wait, between, reaches, startGateway } = context;
      await whileFrozen(context, async () => {
        await untilSpooling(context);
        load.pause();
        await reaches('everything is answered', () => load.unanswered === 0, ANSWERED_WITHIN_MS);
        const gateway = installation.of('gateway');
        const directory = spoolDirectory(context);
        const sizes = new Map(segmentsIn(directory).map((file) => [file, statSync(file).size]));
        const traced = await traceOf(gateway.pid, join(installation.dataDirOf('gateway'), 'trace'));
        load.resume();
        await wait(between(2_000, 4_000));
        await gateway.kill();
        const calls = await traced();
        checkAcknowledgements(context, calls, await gateway.mqttPort(), (path) => path.endsWith('.spool'));
        for (const file of segmentsIn(directory)) losePart(file, calls, sizes.get(file) ?? 0);
      });
      await startGateway();
    },
  },
  {
    name: 'F61',
    title:
      'embedded log: every PUBACK leaves after its fdatasync (strace); `kill -9`, and what was not flushed is lost',
    takesMs: 40_000,
    load: { devices: 2, perSecond: 10 },
    async run(context) {
      const folder = await temporaryFolder();
      try {
        await embedded(context, folder.path);
      } finally {
        await folder.remove();
      }
      context.faultEnded();
    },
  },
];

/** The load of the bench goes on beside it, on Kafka. */
async function embedded(context: FaultContext, folder: string): Promise<void> {
  const { random, reaches, wait, between, check } = context;
  const environment = { FIELDGATE_DATA_DIR: join(folder, 'data'), FIELDGATE_GATEWAY_ID: 'faults-embedded' };
  let fieldgate = await FieldgateProcess.start(environment);
  let port = await fieldgate.mqttPort();
  const load = new Load(
    { ...LIGHT, prefix: `embedded-${randomBytes(3).toString('hex')}` },
    () => port,
    random,
  );
  const startedAt = Date.now();
  try {
    await new Operator(await fieldgate.httpUrl()).register(load.registrations());
    load.start();
    await reaches('every device is served', () => load.isServedSince(0), ANSWERED_WITHIN_MS);
    load.pause();
    await reaches('everything is answered', () => load.unanswered === 0, ANSWERED_WITHIN_MS);
    const file = join(folder, 'data', 'log', 'data.mdb');
    const image = join(folder, 'image');
    process.kill(fieldgate.pid, 'SIGSTOP');
    copyFileSync(file, image);
    const flushing = flushingDescriptors(fieldgate.pid, file);
    check(flushing.size > 0, 'the log has no descriptor that flushes each write');
    const attached = traceOf(fieldgate.pid, join(folder, 'trace'));
    process.kill(fieldgate.pid, 'SIGCONT');
    const traced = await attached;
    load.resume();
    await wait(between(2_000, 4_000));
    await fieldgate.kill();
    const calls = await traced();
    checkAcknowledgements(context, calls, port, (path) => path === file);
    const { kept, atRisk } = writesTo(calls, file, flushing);
    await apply(
      image,
      kept.concat(atRisk.filter(() => random() < 0.5)).toSorted((a, b) => a.from - b.from),
    );
    copyFileSync(image, file);
    fieldgate = await FieldgateProcess.start(environment);
    port = await fieldgate.mqttPort();
    const now = performance.now();
    await reaches('every device is served again', () => load.isServedSince(now), ANSWERED_WITHIN_MS);
    load.pause();
    await reaches('everything is answered again', () => load.unanswered === 0, ANSWERED_WITHIN_MS);
    const operator = new Operator(await fieldgate.httpUrl());
    const verdict = async (): Promise<ReturnType<typeof judge>> => {
      const stored = new Map<string, readonly number[]>();
      for (const { id } of load.devices)
        stored.set(id, await operator.values(id, 'n', startedAt - 60_000, Date.now() + 60_000));
      return judge({ books: load.devices, log: [], stored });
    };
    await reaches(
      'everything acknowledged is stored',
      async () => (await verdict()).lost.length === 0,
      ANSWERED_WITHIN_MS,
    );
    const { storedTwice, invented } = await verdict();
    check(
      count(storedTwice) + count(invented) === 0,
      `${count(storedTwice)} stored twice, ${count(invented)} invented`,
    );
    await within(fieldgate, check);
  } finally {
    load.close();
    await fieldgate.kill();
  }
}

async function within(fieldgate: FieldgateProcess, check: FaultContext['check']): Promise<void> {
  const timer = setTimeout(() => void fieldgate.kill(), STOPS_WITHIN_MS);
  const code = await fieldgate.stop();
  clearTimeout(timer);
  check(code === 0, `the process with the embedded log ended with ${code}`);
}

function checkAcknowledgements(
  { check }: FaultContext,
  calls: readonly SystemCall[],
  port: number,
  isLog: (path: string) => boolean,
): void {
  const { checked, early } = acknowledgementsIn(calls, port, isLog);
  check(checked > 100, `only ${checked} PUBACKs were seen`);
  check(
    early.length === 0,
    `${early.length} of ${checked} PUBACKs before their flush: ${early.slice(0, 3).join(', ')}`,
  );
}

/** Back to what was flushed. A file whose name was not flushed either is gone. */
function losePart(file: string, calls: readonly SystemCall[], sizeBefore: number): void {
  const { kept } = writesTo(calls, file);
  const size = kept.reduce((most, { at, bytes }) => Math.max(most, at + bytes.length), sizeBefore);
  if (size === 0) rmSync(file);
  else if (existsSync(file) && statSync(file).size > size) cutTo(file, size);
}

async function apply(file: string, writes: readonly SystemCall[]): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    for (const { bytes, at } of writes) await handle.write(bytes, 0, bytes.length, at);
  } finally {
    await handle.close();
  }
}

/** proc(5): of these, each write is its own flush. */
function flushingDescriptors(pid: number, file: string): Set<number> {
  const own = readdirSync(`/proc/${pid}/fd`).filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file);
  const flagsOf = (fd: string): number =>
    Number.parseInt(
      /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0',
      8,
    );
  return new Set(own.filter((fd) => (flagsOf(fd) & SYNCHRONOUS) !== 0).map(Number));
}
