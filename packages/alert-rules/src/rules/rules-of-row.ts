import type { Rejection } from '@fieldgate/contracts';
import { NO_RULES, type Rules } from './rule.js';
import { parseRules } from './rules-file.js';

/** Rows hold an empty text where no rules file was ever in force; a rules file that is empty is a broken one. */
export function rulesOfRow(text: string): Rules | Rejection {
  return text === '' ? NO_RULES : parseRules(text);
}
