import { metric } from '../../support/metrics.js';
import { lagOf } from '../evidence.js';
import type { Fault, FaultContext } from '../fault-case.js';
import { StoreFront } from '../store-front.js';

export type Reason = 'unreachable' | 'credentials' | 'database' | 'busy' | 'error';

const AWAY = 'telemetry store does not answer';
const BACK = 'telemetry store answers again';
const REJOINS = 'consumer group member joins again';
const SHOWN_WITHIN_MS = 40_000;
const SETTLES_WITHIN_MS = 90_000;

/** Between the way to the store and InfluxDB, until the case is over; the processors use it already. */
export async function frontOf(context: FaultContext): Promise<StoreFront> {
  const { services, installation, reaches } = context;
  const front = await StoreFront.open([services.influx.url]);
  installation.beforeRemoval(async () => {
    services.store.target = services.influx.port;
    await front.stop();
  });
  services.store.target = front.port;
  services.store.cut();
  const { length } = front.passedAt;
  await reaches('writes go through the front', () => front.passedAt.length > length + 2, SHOWN_WITHIN_MS);
  await reaches('the store is well', () => isWell(context), SHOWN_WITHIN_MS);
  return front;
}

/**
 * What every absence of the store must look like from outside: the metric says why for as long as it lasts, one log line says that it began
 * and one that it is over, and the group keeps its members and partitions.
 */
export async function whileStoreIs(
  reason: Reason,
  context: FaultContext,
  fault: Fault,
  ms: number,
): Promise<void> {
  const { installation, reaches, check, wait, faultEnded } = context;
  const shows = async (): Promise<boolean> => (await problem(context, reason)) === 1;
  const { since, count } = linesFrom(context);
  await fault.begin();
  await reaches(`fieldgate_store_problem shows "${reason}"`, shows, SHOWN_WITHIN_MS);
  await wait(ms);
  check(await shows(), `fieldgate_store_problem does not show "${reason}" any more at the end of the fault`);
  await fault.end();
  faultEnded();
  await reaches('the log says that the store is back', () => count(BACK) > 0, SHOWN_WITHIN_MS);
  await reaches('fieldgate_store_problem shows nothing', () => isWell(context), SHOWN_WITHIN_MS);
  const away = count(AWAY);
  check(away === 1, `${away} lines say that the store is away: ${shown(since())}`);
  check(count(BACK) === 1, `${count(BACK)} lines say that the store is back`);
  check(
    since().some((line) => line.includes(`"problem":"${reason}"`)),
    `the log line does not name "${reason}"`,
  );
  check(count(REJOINS) === 0, 'the group was rebalanced while the store was away');
  check(installation.of('processors').isRunning, 'the processors have ended');
}

/** Nothing is wrong with the store as far as anybody is told, and the group keeps its members. */
export async function withoutProblem(context: FaultContext, work: () => Promise<void>): Promise<void> {
  const { since, count } = linesFrom(context);
  await work();
  context.check(count(AWAY) === 0, `the store was taken for absent: ${shown(since())}`);
  context.check(count(REJOINS) === 0, 'the group was rebalanced');
}

/** Everything that was published is answered and has been dealt with; the load stands still. */
export async function settled({ services, load, reaches }: FaultContext): Promise<void> {
  load.pause();
  await reaches('everything is answered', () => load.unanswered === 0, SETTLES_WITHIN_MS);
  const dealtWith = async (): Promise<boolean> => (await lagOf(services.admin, 'fieldgate.storage')) === 0;
  await reaches('everything in the topic is dealt with', dealtWith, SETTLES_WITHIN_MS);
}

/** A statement or a write, past Fieldgate. */
export async function tellInflux(url: string, path: string, body: string | URLSearchParams): Promise<void> {
  const answer = await fetch(url + path, { method: 'POST', body, signal: AbortSignal.timeout(60_000) });
  const text = await answer.text();
  if (!answer.ok || text.includes('"error"')) throw new Error(`InfluxDB: ${answer.status} ${text}`);
}

async function isWell(context: FaultContext): Promise<boolean> {
  const reasons: readonly Reason[] = ['unreachable', 'credentials', 'database', 'busy', 'error'];
  const values = await Promise.all(reasons.map((reason) => problem(context, reason)));
  return values.every((value) => value === 0);
}

async function problem({ installation }: FaultContext, reason: Reason): Promise<number> {
  const url = await installation.of('processors').httpUrl();
  return metric(url, `fieldgate_store_problem{reason="${reason}"}`);
}

/** What the processors that run now say from now on. */
function linesFrom({ installation }: FaultContext): {
  since: () => readonly string[];
  count: (message: string) => number;
} {
  const { lines } = installation.of('processors');
  const { length } = lines.all;
  const since = (): readonly string[] => lines.all.slice(length);
  return { since, count: (message) => since().filter((line) => line.includes(message)).length };
}

function shown(lines: readonly string[]): string {
  return lines
    .filter((line) => line.includes(AWAY))
    .slice(0, 3)
    .join(' ');
}
