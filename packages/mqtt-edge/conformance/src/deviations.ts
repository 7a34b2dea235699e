import { readFileSync } from 'node:fs';
import type { CaseResult } from './run-vectors.js';

/** Cases of the wire vectors that we do not pass on purpose. */
export interface Deviation {
  readonly title: string;
  readonly reason: string;
  /** As `labelOf` writes them. */
  readonly cases: readonly string[];
}

export function readDeviations(): readonly Deviation[] {
  return JSON.parse(
    readFileSync(new URL('../deviations.json', import.meta.url), 'utf8'),
  ) as readonly Deviation[]; // our own file
}

export function labelOf({ file, group, name }: Pick<CaseResult, 'file' | 'group' | 'name'>): string {
  return `${file} › ${group.replaceAll(/ +/g, ' ')} › ${name}`;
}

/** What was not passed and has no reason, and what has a reason but was passed. */
export function unexplained(
  cases: readonly CaseResult[],
  deviations: readonly Deviation[],
): { readonly withoutReason: readonly string[]; readonly passedAnyway: readonly string[] } {
  const missed = new Set(cases.filter(({ score }) => score !== 'passed').map(labelOf));
  const explained = new Set(deviations.flatMap((deviation) => deviation.cases));
  return {
    withoutReason: [...missed].filter((label) => !explained.has(label)),
    passedAnyway: [...explained].filter((label) => !missed.has(label)),
  };
}
