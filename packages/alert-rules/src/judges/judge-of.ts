import { Absence } from './absence.js';
import type { AlertSlot } from './alert-slot.js';
import type { DeviceFacts } from '../alert-watch.js';
import { Flapping } from './flapping.js';
import type { Judge } from './judge.js';
import { Rate } from './rate.js';
import type { Rule } from '../rules/rule.js';
import { Threshold } from './threshold.js';

export interface JudgeSurroundings {
  readonly place: AlertSlot;
  readonly facts: () => DeviceFacts;
  /** See `Absence`. */
  readonly ruleSince: () => number;
  readonly watchedFrom: number | undefined;
}

export function judgeOf(rule: Rule, { place, facts, ruleSince, watchedFrom }: JudgeSurroundings): Judge {
  switch (rule.kind) {
    case 'threshold':
      return new Threshold(rule, place, facts);
    case 'rate':
      return new Rate(rule, place, facts);
    case 'absence':
      return new Absence(rule, place, facts, ruleSince, watchedFrom);
    case 'flapping':
      return new Flapping(rule, place, facts);
  }
}
