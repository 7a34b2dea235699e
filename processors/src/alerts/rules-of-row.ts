import { NO_RULES, parseRules, type Rules } from '@fieldgate/alert-rules';
import type { Rejection } from '@fieldgate/contracts';

/** Rows hold an empty text where there is no rules file; a rules file that is empty is a broken one. */
export function rulesOfRow(text: string): Rules | Rejection {
  return text === '' ? NO_RULES : parseRules(text);
}
