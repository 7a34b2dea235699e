import { conditionRule, isEventType, reject, type Rejection } from '@fieldgate/contracts';
import { isAlias, isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import type { Rules } from './rule.js';
import { rulesSchema } from './rules-schema.js';

/**
 * Of a rules file, wherever one is taken. With every character escaped, and with what 1,000 rules remember beside it, it still fits into one
 * record of the log and into the body of a request.
 */
export const MAX_RULES_BYTES = 262_144;
const MAX_PROBLEMS = 20;

type Path = readonly PropertyKey[];

/** What is wrong, and where. */
interface Problem {
  readonly path: Path;
  /** It is the name of the last key that is wrong, not its value. */
  readonly isKey?: boolean;
  readonly says: string;
}

/** The rules of a YAML file, or all that is wrong with it: a line each, in the order of the file. */
export function parseRules(text: string): Rules | Rejection {
  if (Buffer.byteLength(text) > MAX_RULES_BYTES)
    return reject(
      'rules-invalid',
      `The file is larger than ${MAX_RULES_BYTES / 1024} KiB; split the fleet or the rules.`,
    );
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0)
    return refused(document.errors.map(({ pos: [at], message }) => `${placeOf(lines, at)}: ${message}`));
  const content = contentOf(document);
  if ('problem' in content) return refused([content.problem]);
  const read = rulesSchema.safeParse(content.value);
  const problems = [
    ...(read.success ? [] : read.error.issues.flatMap((issue) => problemsOf(issue, content.value))),
    ...crossProblems(content.value),
  ];
  if (!read.success || problems.length > 0) {
    const placed = problems.map((problem) => ({ problem, at: offsetOf(document, problem) }));
    placed.sort((a, b) => a.at - b.at);
    return refused(placed.map(({ problem, at }) => `${placeOf(lines, at)}: ${sentenceOf(problem)}`));
  }
  return { text, ...read.data };
}

function refused(sentences: readonly string[]): Rejection {
  const more = sentences.length - MAX_PROBLEMS;
  const shown = sentences.slice(0, MAX_PROBLEMS).join('\n');
  return reject('rules-invalid', more > 0 ? `${shown}\nand ${more} more` : shown);
}

/** Aliases can make a small file huge; the parser then throws. */
function contentOf(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return value === null || value === undefined
      ? { problem: 'The file is empty; it begins with version: 1' }
      : { value };
  } catch (error) {
    return { problem: `The file cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function problemsOf(issue: z.core.$ZodIssue, file: unknown): Problem[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      isKey: true,
      says: 'is not known here; is it misspelt?',
    }));
  if (isMissing(file, path))
    return [{ path, says: message.startsWith('must') ? `is missing; it ${message}` : 'is missing' }];
  const isNoMap =
    issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record');
  return [{ path, says: isNoMap ? 'must be a map of keys and values' : message }];
}

function isMissing(file: unknown, path: Path): boolean {
  let value = file;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return true;
    value = Object.entries(value).find(([name]) => name === String(part))?.[1];
  }
  return value === undefined;
}

/** Read leniently: what is wrong with the parts themselves is said elsewhere. */
const namesSchema = z.object({
  rules: z
    .array(
      z
        .object({ name: z.string().catch(''), notify: z.array(z.string()).catch([]) })
        .catch({ name: '', notify: [] }),
    )
    .catch([]),
  notifications: z
    .array(
      z
        .object({ name: z.string().catch(''), rules: z.array(z.string()).catch([]) })
        .catch({ name: '', rules: [] }),
    )
    .catch([]),
});

/** Names that come twice, and names that nobody has. */
function crossProblems(value: unknown): Problem[] {
  const read = namesSchema.safeParse(value);
  if (!read.success) return [];
  const { rules, notifications } = read.data;
  const problems = [...repeated('rules', rules), ...repeated('notifications', notifications)];
  const ruleNames = new Set(rules.map(({ name }) => name));
  const sinkNames = new Set(notifications.map(({ name }) => name));
  rules.forEach(({ notify }, at) => {
    notify.forEach((name, index) => {
      if (!sinkNames.has(name))
        problems.push({
          path: ['rules', at, 'notify', index],
          says: `"${name}" is the name of no notification`,
        });
    });
  });
  notifications.forEach(({ rules: wanted }, at) => {
    wanted.forEach((name, index) => {
      if (!ruleNames.has(name) && !isConditionRule(name))
        problems.push({
          path: ['notifications', at, 'rules', index],
          says: `"${name}" is the name of no rule; that of a condition is event.<type>`,
        });
    });
  });
  return problems;
}

function repeated(list: string, named: readonly { readonly name: string }[]): Problem[] {
  const seen = new Set<string>();
  return named.flatMap(({ name }, at) => {
    if (name === '' || !seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: [list, at, 'name'], says: `"${name}" is there already; names must differ` }];
  });
}

function isConditionRule(name: string): boolean {
  const prefix = conditionRule('');
  return name.startsWith(prefix) && isEventType(name.slice(prefix.length));
}

function sentenceOf({ path, says }: Problem): string {
  const name = path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`;
    return before === '' ? String(part) : `${before}.${String(part)}`;
  }, '');
  return `${name === '' ? 'the file' : name} ${says}`;
}

/** Where it stands; of what is missing, where it should. */
function offsetOf(document: Document, { path, isKey = false }: Problem): number {
  for (let length = path.length; length > 0; length -= 1) {
    if (isKey && length === path.length) {
      const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
        : undefined;
      if (isNode(pair?.key)) return pair.key.range?.[0] ?? 0;
    }
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && !isAlias(node)) return node.range?.[0] ?? 0;
  }
  return document.contents?.range?.[0] ?? 0;
}

function placeOf(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}
