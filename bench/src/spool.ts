import { LOADS } from './edge/edge-loads.js';
import { goalTable } from './goals.js';
import { median, type BenchOptions, type Section } from './report.js';
import { drainSection, measureDrain, type Drain } from './spool/drain-speed.js';
import { costSection, measureCost, type Cost } from './spool/spool-cost.js';

/** The spool: what it costs while Kafka answers, how much it takes while Kafka is frozen, and how fast that is in the log afterwards. */
export async function benchSpool({ seconds, runs }: BenchOptions): Promise<readonly Section[]> {
  const costs: Cost[] = [];
  const drains: Drain[] = [];
  for (let run = 1; run <= runs; run += 1) {
    costs.push(await measureCost(seconds, `spool ${run}/${runs}`, run % 2 === 0));
    drains.push(await measureDrain(seconds, `spool ${run}/${runs}`));
  }
  const of = (figure: (drain: Drain) => number): number => median(drains.map(figure));
  const ratio = (figure: (cost: Cost) => number): number => median(costs.map(figure));
  const { connections } = LOADS['200 × 20'];
  const goals = goalTable(
    'Spool: goals',
    `Median of ${runs} runs. One broker, \`acks: all\`; frozen: SIGSTOP. Ratios are of the same run: two gateways on one Kafka, in turn. CPU is that of the gateway per message, without the spool ÷ with it.`,
    [
      { what: '200 × 20: messages/s, with ÷ without', measured: ratio((c) => c.full.rate), atLeast: 0.98 },
      { what: '200 × 20: CPU, without ÷ with', measured: ratio((c) => c.full.cpu), atLeast: 0.98 },
      { what: '500/s: CPU, without ÷ with', measured: ratio((c) => c.quiet.cpu), atLeast: 0.98 },
      {
        what: `Kafka frozen, ${connections} × 20: messages/s into the spool`,
        measured: of((drain) => drain.takes.acknowledgedPerSecond),
        atLeast: 50_000,
      },
      {
        what: 'Kafka back, 500/s beside: records/s into the log',
        measured: of((drain) => drain.drainedPerSecond),
        atLeast: 50_000,
      },
    ],
  );
  return [goals, costSection(costs), drainSection(drains)];
}
