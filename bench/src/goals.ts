import { fixed, type Section } from './report.js';

export interface Goal {
  readonly what: string;
  readonly measured: number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Every figure that has a goal, and whether it holds. */
export function goalTable(title: string, note: string, goals: readonly Goal[]): Section {
  return {
    title,
    note,
    columns: ['', 'measured', 'goal', 'holds'],
    rows: goals.map(({ what, measured, atMost, atLeast }) => {
      const isKnown = Number.isFinite(measured);
      const holds = measured <= (atMost ?? Infinity) && measured >= (atLeast ?? -Infinity);
      const goal = atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
      const digits = digitsOf(atMost ?? atLeast ?? 0);
      return [what, fixed(measured, digits), goal, isKnown ? (holds ? 'yes' : 'no') : '–'];
    }),
  };
}

function digitsOf(goal: number): number {
  if (goal >= 1_000) return 0;
  return goal >= 10 ? 1 : 2;
}
