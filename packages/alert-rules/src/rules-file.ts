import type { Rejection } from '@fieldgate/contracts';
import type { Rules } from './rule.js';

export function parseRules(_text: string): Rules | Rejection {
  throw new Error('not written yet');
}
