/** What Grafana puts in the place of its macros and variables before a data source sees a query. */
export interface QueryContext {
  readonly fromMs: number;
  readonly toMs: number;
  /** Width of a point. */
  readonly intervalMs: number;
  /** `timeInterval` of the data source. */
  readonly minIntervalMs: number;
  readonly variables: Readonly<Record<string, VariableValue>>;
}

export interface VariableValue {
  /** What is chosen. */
  readonly chosen: readonly string[];
  readonly multi: boolean;
  /** Everything is chosen, and this custom value stands for it: it is put in as it is. */
  readonly allValue?: string;
}

/** `$name`, `[[name]]`, `[[name:format]]`, `${name}`, `${name:format}`. */
const VARIABLE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?::(\w+))?\}/g;
const MAX_DATA_POINTS = 1_000;

/** The variables of the dashboard, then the macros of the InfluxQL data source, in its order. */
export function expandInfluxQl(query: string, context: QueryContext): string {
  const { fromMs, toMs, intervalMs } = context;
  const interval = duration(intervalMs);
  return withVariables(query, context, regexEscaped)
    .replaceAll('$timeFilter', `time >= ${fromMs}ms and time <= ${toMs}ms`)
    .replaceAll('$interval', interval)
    .replaceAll('$__interval_ms', String(intervalMs))
    .replaceAll('$__interval', interval);
}

/** The variables of the dashboard and the macros of the Prometheus data source. */
export function expandPromQl(query: string, context: QueryContext): string {
  const { fromMs, toMs, intervalMs, minIntervalMs } = context;
  const rangeSeconds = Math.round((toMs - fromMs) / 1_000);
  const rateMs = Math.max(intervalMs + minIntervalMs, 4 * minIntervalMs);
  return withVariables(query, context, promQlEscaped)
    .replace(/\$__rate_interval\b|\$\{__rate_interval\}/g, duration(rateMs))
    .replace(/\$__interval_ms\b|\$\{__interval_ms\}/g, String(intervalMs))
    .replace(/\$__interval\b|\$\{__interval\}/g, duration(intervalMs))
    .replace(/\$__range_s\b|\$\{__range_s\}/g, String(rangeSeconds))
    .replace(/\$__range_ms\b|\$\{__range_ms\}/g, String(rangeSeconds * 1_000))
    .replace(/\$__range\b|\$\{__range\}/g, `${rangeSeconds}s`);
}

/** What looks like a variable and is none stays: a macro, the end of a regular expression. */
function withVariables(query: string, context: QueryContext, escaped: (value: string) => string): string {
  return query.replace(
    VARIABLE,
    (all, plain?: string, square?: string, squareFormat?: string, curly?: string, curlyFormat?: string) => {
      const value = context.variables[plain ?? square ?? curly ?? ''];
      if (value === undefined) return all;
      if (value.allValue !== undefined) return value.allValue;
      return formatted(value, squareFormat ?? curlyFormat, escaped);
    },
  );
}

function formatted(
  { chosen, multi }: VariableValue,
  format: string | undefined,
  escaped: (value: string) => string,
): string {
  switch (format) {
    case 'regex':
      return alternatives(chosen.map(regexEscaped));
    case 'pipe':
      return chosen.join('|');
    case 'csv':
    case 'raw':
      return chosen.join(',');
    case undefined:
      return multi ? alternatives(chosen.map(escaped)) : chosen.join(',');
    default:
      throw new Error(`the format ${format} is not known here`);
  }
}

function alternatives(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `(${values.join('|')})`;
}

function regexEscaped(value: string): string {
  return value.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
}

/** Within a PromQL string the backslash of the regular expression is one more. */
function promQlEscaped(value: string): string {
  return value.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
}

/** Upper bounds of a width as it comes out, and the round one that is taken for it. */
const ROUND: readonly (readonly [below: number, width: number])[] = [
  [10, 1],
  [15, 10],
  [35, 20],
  [75, 50],
  [150, 100],
  [350, 200],
  [750, 500],
  [1_500, 1_000],
  [3_500, 2_000],
  [7_500, 5_000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
];

/** The width of a point of a panel: the range over the points that fit, rounded, and not below what panel or data source allow. */
export function panelIntervalMs(fromMs: number, toMs: number, minIntervalMs: number): number {
  const width = (toMs - fromMs) / MAX_DATA_POINTS;
  const round = ROUND.find(([below]) => width < below)?.[1];
  if (round === undefined) throw new Error('the test asks for no such range');
  return Math.max(round, minIntervalMs);
}

const UNITS: readonly (readonly [suffix: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

function duration(ms: number): string {
  const unit = UNITS.find(([, each]) => ms % each === 0) ?? (['ms', 1] as const);
  return `${ms / unit[1]}${unit[0]}`;
}

export function durationMs(text: string): number {
  const [, count = '', suffix = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  const unit = UNITS.find(([name]) => name === suffix);
  if (!unit) throw new Error(`${text} is no duration`);
  return Number(count) * unit[1];
}
