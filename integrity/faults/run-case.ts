import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Operator } from '../support/operator.js';
import { randomFrom } from '../support/random.js';
import { BenchServices } from './bench-services.js';
import { endsOfLog, lagOf, readLog, readStore, spoolIsEmpty } from './evidence.js';
import type { CaseResult, Fault, FaultCase, FaultContext } from './fault-case.js';
import { Installation, type ProcessName } from './installation.js';
import { LedgersOf, recordsOwed, Verification } from './ledger-verdict.js';
import { Load } from './load.js';
import { count, judge, type DeviceBooks, type Verdict } from './oracle.js';
import { problemsOf } from './problems-of.js';
import { Proxy } from './proxy.js';
import { RssWatch } from './rss-watch.js';

/** However busy the machine is: what hangs must not hold up the cases behind it. */
const ENDS_WITHIN_MS = 15 * 60_000;
const STARTS_WITHIN_MS = 120_000;
const RECOVERS_WITHIN_MS = 120_000;
const STOPS_WITHIN_MS = 30_000;
const POLL_MS = 50;
const STORE_POLL_MS = 300;
const LEDGER_WITHIN_MS = 60_000;
/** One seed of so many, 7 among them: the rows of the ledger come every 5 s, and a long run would wait for most of them. */
const LEDGER_SEEDS = 3;

/** One case with one seed, on services that have been mended, or on its own. When it fails, `logs` is the folder for what its processes wrote. */
export async function runCase(
  faultCase: FaultCase,
  seed: number,
  shared: BenchServices,
  logs?: string,
): Promise<CaseResult> {
  if (faultCase.services === undefined) return new CaseRun(faultCase, seed, shared, logs).run();
  const own = await BenchServices.start(faultCase.services);
  try {
    return await new CaseRun(faultCase, seed, own, logs).run();
  } finally {
    await own.stop();
  }
}

class CaseRun {
  private readonly random: () => number;
  private readonly prefix: string;
  private readonly database: string;
  private readonly problems: string[] = [];
  private readonly doors = new Map<ProcessName, Proxy>();
  private faultEndedAt = 0;
  /** What `ledger verify` looks at, epoch ms. */
  private verifiedFromMs = Date.now();
  /** Where the oracle begins to read. */
  private from: ReadonlyMap<number, number> = new Map();
  /** So many messages each device had published when the case took the log or the store away. */
  private gone: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly faultCase: FaultCase,
    private readonly seed: number,
    private readonly services: BenchServices,
    private readonly logs: string | undefined,
  ) {
    const unique = randomBytes(3).toString('hex');
    this.random = randomFrom(seed);
    this.prefix = `${faultCase.name.toLowerCase()}-${seed}-${unique}`;
    this.database = `faults_${this.prefix.replaceAll('-', '_')}`;
  }

  async run(): Promise<CaseResult> {
    const { faultCase, services } = this;
    const marks = [performance.now()];
    const mark = (): unknown => marks.push(performance.now());
    const installation = await Installation.create({
      ...services.environment(this.database),
      ...faultCase.settings,
    });
    const rss = new RssWatch(() => installation.of('gateway').pid);
    const gatewayOf = faultCase.gatewayOf ?? (() => 'gateway' as const);
    const load = new Load(
      { ...faultCase.load, prefix: this.prefix },
      () => this.doors.get(gatewayOf(this.random))?.port ?? 0,
      this.random,
    );
    let recoverySeconds = 0;
    const story = async (): Promise<void> => {
      await this.started(installation, load);
      mark();
      await faultCase.run(this.context(installation, load));
      mark();
      recoverySeconds = await this.recovered(load, installation);
      mark();
    };
    const deadline = new AbortController();
    try {
      await Promise.race([story(), tooLong(deadline.signal)]);
    } catch (error) {
      this.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      deadline.abort();
      load.close();
      rss.stop();
      await services.mend().catch((error: unknown) => this.problems.push(`not mended: ${String(error)}`));
      this.problems.push(...(await installation.stop(STOPS_WITHIN_MS)));
      await Promise.all([...this.doors.values()].map((door) => door.stop()));
    }
    mark();
    const verdict = await this.judged(load);
    this.problems.push(...problemsOf(verdict, load));
    mark();
    if (this.problems.length > 0 && this.logs !== undefined)
      await installation.keepLines(join(this.logs, `${faultCase.name}-${this.seed}`));
    return {
      name: faultCase.name,
      title: faultCase.title,
      seed: this.seed,
      published: verdict.published,
      acknowledged: verdict.acknowledged,
      stored: verdict.stored,
      lost: count(verdict.lost),
      reordered: count(verdict.reordered),
      storedTwice: count(verdict.storedTwice),
      duplicatesInLog: verdict.duplicatesInLog,
      disconnects: load.disconnects,
      recoverySeconds,
      largestRssMb: rss.largestMb,
      seconds: secondsBetween(marks.at(0), marks.at(-1)),
      phases: marks.slice(1).map((at, index) => secondsBetween(marks[index], at)),
      problems: this.problems,
    };
  }

  private async started(installation: Installation, load: Load): Promise<void> {
    const { topic, admin } = this.services;
    await this.startAll(installation);
    await topic.note();
    this.from = await endsOfLog(admin);
    await (await installation.operator()).register(load.registrations());
    load.start();
    await this.reaches('every device is served', () => load.isServedSince(0), STARTS_WITHIN_MS);
    if (this.problems.length > 0) throw new Error(lastLines(installation));
  }

  private async startAll(installation: Installation): Promise<void> {
    const names: ProcessName[] = ['gateway', 'processors', 'operator-api'];
    const all = names.concat(this.faultCase.extra ?? []);
    await Promise.all(
      all.map((name) =>
        name.startsWith('gateway') ? this.startGateway(installation, name) : installation.start(name),
      ),
    );
  }

  private async startGateway(installation: Installation, name: ProcessName): Promise<void> {
    const gateway = await installation.start(name);
    const port = await gateway.mqttPort();
    const door = this.doors.get(name) ?? (await Proxy.open(port));
    door.target = port;
    this.doors.set(name, door);
  }

  private context(installation: Installation, load: Load): FaultContext {
    return {
      services: this.services,
      installation,
      load,
      database: this.database,
      doors: this.doors,
      random: this.random,
      between: (from, to) => from + Math.floor(this.random() * (to - from + 1)),
      wait: (ms) => pause(ms),
      during: (fault, ms) => this.during(fault, ms),
      logBeginsAnew: () => {
        this.from = new Map();
        this.gone = new Map(load.devices.map(({ id, published }) => [id, published]));
      },
      storeBeginsAnew: () => {
        this.verifiedFromMs = Date.now();
        this.gone = new Map(load.devices.map(({ id, published }) => [id, published]));
      },
      faultEnded: () => this.endFault(),
      startGateway: (name = 'gateway') => this.startGateway(installation, name),
      reaches: (what, isTrue, withinMs) => this.reaches(what, isTrue, withinMs),
      check: (isTrue, problem) => {
        if (!isTrue) this.problems.push(problem);
      },
    };
  }

  private async during(fault: Fault, ms: number): Promise<void> {
    await fault.begin();
    await pause(ms);
    await fault.end();
    this.endFault();
  }

  private endFault(): void {
    this.faultEndedAt = performance.now();
  }

  /** Until every device is served and everything is acknowledged and stored; seconds from the end of the fault until service and backlog. */
  private async recovered(load: Load, installation: Installation): Promise<number> {
    const withinMs = this.faultCase.recoversWithinMs ?? RECOVERS_WITHIN_MS;
    if (this.faultEndedAt === 0) this.endFault();
    const backlog = load.devices.map(({ id, published, bad, spoilt }) => {
      return { id, published, bad, spoilt, acknowledged: new Set(Array(published).keys()) };
    });
    const servedAt = this.reaches(
      'every device is served again',
      () => load.isServedSince(this.faultEndedAt),
      withinMs,
    );
    const storedAt = this.reaches('the backlog is stored', () => this.isStored(backlog), withinMs);
    const times = await Promise.all([servedAt, storedAt].map((time) => time.then(() => performance.now())));
    load.pause();
    await this.reaches('everything is answered', () => load.unanswered === 0, withinMs);
    load.close(); // gateways report what they have counted of a connection at its end
    await this.reaches('everything is stored', () => this.isStored(load.books()), withinMs);
    await this.reaches('nothing is left to be stored', () => this.nothingBehind(), withinMs);
    const operator = await installation.operator();
    await this.verified(operator, recordsOwed(load.books(), this.gone), withinMs);
    for (const name of installation.names.filter((each) => each.startsWith('gateway')))
      await this.reaches(`the spool of ${name} is empty`, () => spoolIsEmpty(installation, name), withinMs);
    await this.accounted(operator, load);
    if (this.faultCase.devicesStay && load.disconnects > 0)
      this.problems.push(`${load.disconnects} connections of devices were lost`);
    return (Math.max(...times) - this.faultEndedAt) / 1000;
  }

  private async verified(operator: Operator, atLeast: number, withinMs: number): Promise<void> {
    const verification = new Verification(operator, this.verifiedFromMs, atLeast);
    await this.reaches(
      `ledger verify looks at ${atLeast} records, and finds nothing missing`,
      () => verification.isWhole(),
      withinMs,
    );
    if (verification.wrong !== undefined) this.problems.push(verification.wrong);
  }

  /** In a topic that was made again the ledger may take the first records for those that it has counted before: then it is not asked. */
  private async accounted(operator: Operator, load: Load): Promise<void> {
    if (this.gone.size > 0 || this.seed % LEDGER_SEEDS !== 1) return;
    const ledgers = new LedgersOf(operator, load.books());
    await this.reaches('the ledger accounts for every device', () => ledgers.areRight(), LEDGER_WITHIN_MS);
    if (ledgers.wrong !== undefined) this.problems.push(ledgers.wrong);
  }

  private async isStored(books: readonly DeviceBooks[]): Promise<boolean> {
    await pause(STORE_POLL_MS);
    const stored = await readStore(this.services.influx.url, this.database, this.prefix);
    return judge({ books, log: [], stored }).lost.length === 0;
  }

  private async nothingBehind(): Promise<boolean> {
    return (await lagOf(this.services.admin, 'fieldgate.storage')) === 0;
  }

  private async judged(load: Load): Promise<Verdict> {
    const { kafka, admin, influx } = this.services;
    const evidence = {
      books: load.books(),
      log: await readLog(kafka, this.from, await endsOfLog(admin), this.prefix),
      stored: await readStore(influx.url, this.database, this.prefix),
    };
    return judge(evidence, this.faultCase.ordersPerGateway === true);
  }

  private async reaches(
    what: string,
    isTrue: () => boolean | Promise<boolean>,
    withinMs: number,
  ): Promise<void> {
    const end = performance.now() + withinMs;
    while (!(await isTrue())) {
      if (performance.now() > end) return void this.problems.push(`not within ${withinMs / 1000} s: ${what}`);
      await pause(POLL_MS);
    }
  }
}

async function tooLong(signal: AbortSignal): Promise<void> {
  await pause(ENDS_WITHIN_MS, undefined, { signal });
  throw new Error(`not over within ${ENDS_WITHIN_MS / 60_000} min`);
}

function secondsBetween(from = 0, to = 0): number {
  return (to - from) / 1000;
}

function lastLines(installation: Installation): string {
  return installation.names
    .map((name) => `${name}:\n${installation.of(name).lines.all.slice(-3).join('\n')}`)
    .join('\n');
}
