import { expect, it } from '@jest/globals';
import { isRejection } from '@fieldgate/contracts';
import { MAX_RULES_BYTES, parseRules } from './rules-file.js';

/** A file that is good but for these lines. */
function problemOf(lines: string): string {
  const parsed = parseRules(`version: 1\n${lines}`);
  return isRejection(parsed) ? parsed.detail : 'good';
}

function ruleProblem(rule: string): string {
  return problemOf(`rules:\n  - { name: r, ${rule} }`);
}

it('reads every kind of rule, with what is left out', () => {
  const text = `
version: 1
lateness: 5s
rules:
  - name: too-hot
    select: { type: pump, labels: { site: [north, south] } }
    metric: temperature
    threshold: { above: 80, clearBelow: 75, for: 2m }
    severity: critical
    text: '{device}: {label.site}'
    lateness: 30s
    notify: [ops]
  - { name: low, metric: level, threshold: { below: 10 } }
  - { name: climbs, metric: t, rate: { above: 5, per: 1m, over: 500ms } }
  - { name: silent, absence: { after: 1d } }
  - { name: flaps, event: door-open, flapping: { changes: 5, within: 1h }, lateness: 0s }
conditions: { ignore: [door-open] }
notifications:
  - { name: ops, webhook: { url: 'https://example.com/' }, rules: [too-hot, event.leak] }
`;
  const parsed = parseRules(text);
  if (isRejection(parsed)) throw new Error(parsed.detail);
  expect(parsed.text).toBe(text);
  expect(parsed.ignoredConditions).toEqual(new Set(['door-open']));
  expect(parsed.notifications).toMatchObject([{ name: 'ops', kind: 'webhook' }]);
  expect(parsed.rules).toMatchObject([
    {
      name: 'too-hot',
      kind: 'threshold',
      select: { type: ['pump'], labels: { site: ['north', 'south'] } },
      side: 'above',
      limit: 80,
      clear: 75,
      forMs: 120_000,
      severity: 'critical',
      latenessMs: 30_000,
      notify: ['ops'],
    },
    {
      kind: 'threshold',
      side: 'below',
      limit: 10,
      clear: 10,
      forMs: 0,
      severity: 'warning',
      latenessMs: 5000,
    },
    { kind: 'rate', side: 'above', limit: 5, perMs: 60_000, overMs: 500 },
    { kind: 'absence', afterMs: 86_400_000 },
    { kind: 'flapping', event: 'door-open', changes: 5, withinMs: 3_600_000, latenessMs: 0 },
  ]);
});

it('knows by the fingerprint what decides', () => {
  const fingerprintOf = (rule: string): string | undefined => {
    const parsed = parseRules(`version: 1\nrules:\n  - { name: r, metric: m, ${rule} }`);
    return isRejection(parsed) ? undefined : parsed.rules[0]?.fingerprint;
  };
  const same = fingerprintOf('threshold: { above: 1 }');
  expect(
    fingerprintOf('threshold: { above: 1, clearBelow: 1 }, severity: info, text: x, select: { type: a }'),
  ).toBe(same);
  expect(fingerprintOf('threshold: { above: 2 }')).not.toBe(same);
  expect(fingerprintOf('threshold: { above: 1 }, lateness: 1s')).not.toBe(same);
});

it.each([
  ['an unknown key', 'rulez: []', 'line 2, column 1: rulez is not known here; is it misspelt?'],
  ['no list', 'rules: 5', 'line 2, column 8: rules must be a list'],
  [
    'a broken line',
    'rules: [',
    'line 2, column 9: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['a key twice', 'version: 1', 'line 2, column 1: Map keys must be unique'],
  [
    'a name twice',
    'rules:\n  - { name: a, absence: { after: 1m } }\n  - { name: a, absence: { after: 1m } }',
    'line 4, column 13: rules[1].name "a" is there already; names must differ',
  ],
  [
    'a notification twice',
    'notifications:\n  - &n { name: a, email: { to: [a@b.de], from: a@b.de } }\n  - { name: a, email: { to: [a@b.de], from: a@b.de } }',
    'line 4, column 13: notifications[1].name "a" is there already; names must differ',
  ],
  [
    'a notification for no rule',
    'notifications:\n  - { name: a, email: { to: [a@b.de], from: a@b.de }, rules: [hot] }',
    'line 3, column 63: notifications[0].rules[0] "hot" is the name of no rule; that of a condition is event.<type>',
  ],
  [
    'what is no condition',
    'conditions: { ignore: [a b] }',
    'line 2, column 24: conditions.ignore[0] is not a type of condition event',
  ],
  [
    'a long lateness',
    'lateness: 31d',
    'line 2, column 11: lateness must not be longer than 30d: what lies further back is not believed',
  ],
])('refuses %s and says where', (_what, lines, says) => {
  expect(problemOf(lines)).toBe(says);
});

it.each([
  ['metric: m', 'rules[0] must have one of threshold, rate, absence and flapping'],
  [
    'metric: m, absence: { after: 1m }, rate: { above: 1, per: 1m, over: 1m }',
    'rules[0] must have only one of threshold, rate, absence and flapping; for several write several rules',
  ],
  ['threshold: { above: 1 }', 'rules[0] must have a metric'],
  [
    'event: e, absence: { after: 1m }',
    'rules[0] has an event; only flapping can have one, the others have a metric',
  ],
  ['flapping: { changes: 2, within: 1m }', 'rules[0] must have either a metric or an event'],
  [
    'metric: m, event: e, flapping: { changes: 2, within: 1m }',
    'rules[0] must have either a metric or an event',
  ],
  [
    'metric: 1x, absence: { after: 1m }',
    'rules[0].metric is not a metric name: a letter or _, then up to 63 letters, digits or _ . : -',
  ],
  [
    'metric: m, threshold: { above: 1, below: 0 }',
    'rules[0].threshold must have either above or below; for both write two rules',
  ],
  [
    'metric: m, threshold: { for: 1m }',
    'rules[0].threshold must have either above or below; for both write two rules',
  ],
  [
    'metric: m, threshold: { above: 80, clearBelow: 81 }',
    'rules[0].threshold.clearBelow must not be greater than above: the alert would clear while it is raised',
  ],
  [
    'metric: m, threshold: { below: 10, clearAbove: 9 }',
    'rules[0].threshold.clearAbove must not be less than below: the alert would clear while it is raised',
  ],
  [
    'metric: m, threshold: { above: 80, clearAbove: 70 }',
    'rules[0].threshold.clearAbove goes with below; an alert above a limit has clearBelow',
  ],
  ["metric: m, threshold: { above: '80' }", 'rules[0].threshold.above must be a number'],
  [
    'metric: m, threshold: { above: 80, for: 90 }',
    'rules[0].threshold.for must be a duration such as 500ms, 10s, 2m, 1h or 1d',
  ],
  ['metric: m, rate: { above: 1, per: 1m, over: 0s }', 'rules[0].rate.over must be longer than 0s'],
  [
    'metric: m, rate: { above: 1, over: 1m }',
    'rules[0].rate.per is missing; it must be a duration such as 500ms, 10s, 2m, 1h or 1d',
  ],
  ['absence: { after: 0s }', 'rules[0].absence.after must be longer than 0s'],
  ['absence: 45m', 'rules[0].absence must be a map of keys and values'],
  ['metric: m, flapping: { changes: 1, within: 1m }', 'rules[0].flapping.changes must be at least 2'],
  ['metric: m, flapping: { changes: 2, within: 0m }', 'rules[0].flapping.within must be longer than 0s'],
  ['absence: { after: 1m }, severity: bad', 'rules[0].severity must be one of info, warning, critical'],
  [
    'absence: { after: 1m }, select: { labels: { line: 4 } }',
    'rules[0].select.labels.line must be a text or a list of texts; put numbers and true or false in quotes',
  ],
  ['absence: { after: 1m }, notify: [ops]', 'rules[0].notify[0] "ops" is the name of no notification'],
  ['absence: { after: 1m, metrik: t }', 'rules[0].absence.metrik is not known here; is it misspelt?'],
  [
    "absence: { after: 1m }, text: '{devise} {label.}'",
    'rules[0].text does not know {devise} {label.}; there are {device} {metric} {event} {value} {limit} {rule} {since} and {label.<name>}',
  ],
])('refuses a rule with %s', (rule, says) => {
  expect(ruleProblem(rule)).toMatch(/^line 3, column \d+: /);
  expect(ruleProblem(rule).replace(/^line 3, column \d+: /, '')).toBe(says);
});

it('says all that is wrong, in the order of the file', () => {
  const says = problemOf(
    'rules:\n  - { name: a b, absence: {} }\n  - { name: c, absence: { after: 1m }, notify: [x] }\nlateness: x',
  );
  expect(says.split('\n').map((line) => line.slice(0, 6))).toEqual(['line 3', 'line 3', 'line 4', 'line 5']);
});

it('does not print a hundred problems', () => {
  const says = problemOf(
    `rules:\n${Array.from({ length: 30 }, (_, at) => `  - { name: r${at} }`).join('\n')}`,
  );
  expect(says.split('\n')).toHaveLength(21);
  expect(says).toMatch(/and 10 more$/);
});

it('refuses what is empty, of another version, or no map', () => {
  const detailOf = (text: string): string => {
    const parsed = parseRules(text);
    return isRejection(parsed) ? parsed.detail : 'good';
  };
  expect(detailOf('# nothing')).toBe('The file is empty; it begins with version: 1');
  expect(detailOf('version: 2')).toBe('line 1, column 10: version must be 1');
  expect(detailOf('rules: []')).toBe('line 1, column 1: version is missing; it must be 1');
  expect(detailOf('hello')).toBe('line 1, column 1: the file must be a map of keys and values');
  expect(detailOf('version: 1\nrules: []')).toBe('good');
});

it('refuses more than 1,000 rules, a file that is too large, and aliases that blow up', () => {
  const many = Array.from({ length: 1001 }, (_, at) => `  - { name: r${at}, absence: { after: 1m } }`).join(
    '\n',
  );
  expect(problemOf(`rules:\n${many}`)).toBe('line 3, column 3: rules must not be more than 1000');
  expect(problemOf('ü'.repeat(MAX_RULES_BYTES / 2 + 1))).toMatch(/^The file is larger than 256 KiB/);
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x, x]',
    ...'bcdefgh'
      .split('')
      .map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(9)} *${'abcdefg'[at]}]`),
  ];
  expect(problemOf(bomb.join('\n'))).toMatch(/^The file cannot be read: .*alias/);
});
