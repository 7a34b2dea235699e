import { playCase, type Verdict } from './play-case.js';
import { loadVectors, needsTheBrokerAlone, packetTypeOf, type VectorCase } from './vector-case.js';
import { Clients } from './wire.js';

export interface RunOptions {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  /** The name of one file. */
  readonly only?: string;
  /** How many cases at a time that cannot meet one another. */
  readonly parallel: number;
  /** That nothing comes is known after this time. */
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
  /** Starts the broker again when a case has ended it; without it such a run is over. */
  readonly restart?: () => Promise<void>;
}

export type Score = Verdict['score'] | 'crash';

export interface CaseResult extends Omit<Verdict, 'score'> {
  readonly file: string;
  readonly group: string;
  readonly name: string;
  readonly version: 3 | 4 | 5;
  /** Of the last packet that the case sends. */
  readonly packetType: string;
  /** `crash`: no other client was served after the case. */
  readonly score: Score;
}

export type Totals = Readonly<Record<Score | 'total', number>>;

export interface VectorReport {
  readonly cases: readonly CaseResult[];
  readonly totals: Totals;
  readonly byFile: Readonly<Record<string, Totals>>;
  readonly byPacketType: Readonly<Record<string, Totals>>;
}

/** Plays every case against a broker that admits anonymous clients, allows every topic and a Topic Alias Maximum of exactly 10. */
export async function runVectors(options: RunOptions): Promise<VectorReport> {
  const vectors = await loadVectors(options.folder, options.only);
  const run = new VectorRun(options, new Clients(options.host, options.port, options.timeoutMs));
  await run.brokerIsUp();
  for (const batch of batches(vectors, options.parallel)) await run.play(batch);
  return report(vectors.map((vector) => caseResult(vector, run.results.get(vector))));
}

class VectorRun {
  readonly results = new Map<VectorCase, Pick<CaseResult, 'score' | 'exact' | 'got' | 'expected'>>();

  constructor(
    private readonly options: RunOptions,
    private readonly clients: Clients,
  ) {}

  async brokerIsUp(): Promise<void> {
    if (await this.clients.areServed()) return;
    throw new Error(`no broker serves clients at ${this.options.host}:${this.options.port}`);
  }

  /** When the broker is gone afterwards, each case again by itself, to find the one that has ended it. */
  async play(batch: readonly VectorCase[]): Promise<void> {
    const verdicts = await Promise.all(batch.map((vector) => playCase(vector, this.clients)));
    const served = await this.clients.areServed();
    for (const [index, vector] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict) this.results.set(vector, served ? verdict : { ...verdict, score: 'crash' });
    }
    if (served) return;
    const names = batch.map(({ group, name }) => `${group}: ${name}`).join(' | ');
    this.options.log(`the broker serves nobody any more after ${names}`);
    if (!this.options.restart) throw new Error(`the broker serves nobody any more after ${names}`);
    await this.options.restart();
    await this.brokerIsUp();
    if (batch.length > 1) for (const vector of batch) await this.play([vector]);
  }
}

function* batches(vectors: readonly VectorCase[], parallel: number): Generator<readonly VectorCase[]> {
  const crowd = vectors.filter((vector) => !needsTheBrokerAlone(vector));
  for (let from = 0; from < crowd.length; from += parallel) yield crowd.slice(from, from + parallel);
  for (const vector of vectors.filter(needsTheBrokerAlone)) yield [vector];
}

function caseResult(
  vector: VectorCase,
  result: Pick<CaseResult, 'score' | 'exact' | 'got' | 'expected'> | undefined,
): CaseResult {
  if (!result) throw new Error(`${vector.file}: ${vector.name} was not played`);
  const { file, group, name, version } = vector;
  return { file, group, name, version, packetType: packetTypeOf(vector), ...result };
}

function report(cases: readonly CaseResult[]): VectorReport {
  return {
    cases,
    totals: totalsOf(cases),
    byFile: totalsBy(cases, ({ file }) => file),
    byPacketType: totalsBy(cases, ({ packetType }) => packetType),
  };
}

function totalsBy(
  cases: readonly CaseResult[],
  keyOf: (result: CaseResult) => string,
): Readonly<Record<string, Totals>> {
  const keys = [...new Set(cases.map(keyOf))].sort();
  return Object.fromEntries(
    keys.map((key) => [key, totalsOf(cases.filter((result) => keyOf(result) === key))]),
  );
}

function totalsOf(cases: readonly CaseResult[]): Totals {
  const count = (wanted: Score): number => cases.filter(({ score }) => score === wanted).length;
  return {
    total: cases.length,
    passed: count('passed'),
    closedOther: count('closedOther'),
    wrong: count('wrong'),
    crash: count('crash'),
  };
}
