import { z } from 'zod';

/** What a target gives: series with a name, labels and points; a table is one series of rows. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}
export type Answer = readonly Series[];

const influxSchema = z.object({
  results: z.array(
    z.object({
      error: z.string().optional(),
      series: z
        .array(
          z.object({
            name: z.string(),
            tags: z.record(z.string(), z.string()).optional(),
            columns: z.array(z.string()),
            values: z.array(z.array(z.unknown())),
          }),
        )
        .optional(),
    }),
  ),
});

/** As Grafana asks: times in milliseconds. An error of the query is an error here. */
export async function askInflux(url: string, database: string, query: string): Promise<Answer> {
  const parameters = new URLSearchParams({ db: database, epoch: 'ms', q: query });
  const response = await fetch(`${url}/query?${parameters}`, { method: 'POST' });
  const text = await response.text();
  if (!response.ok) throw new Error(`${query}: ${response.status} ${text}`);
  const [result] = influxSchema.parse(JSON.parse(text)).results;
  if (result?.error !== undefined) throw new Error(`${query}: ${result.error}`);
  return (result?.series ?? []).map(({ name, tags = {}, columns, values }) => ({
    name,
    labels: tags,
    columns,
    rows: values,
  }));
}

const sample = z.tuple([z.number(), z.string()]);
const promSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('error'), error: z.string() }),
  z.object({
    status: z.literal('success'),
    data: z.object({
      result: z.array(
        z.object({
          metric: z.record(z.string(), z.string()),
          value: sample.optional(),
          values: z.array(sample).optional(),
        }),
      ),
    }),
  }),
]);

export interface PromRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** A range query with its ends on whole steps, as Grafana asks, or one at its end. NaN is no value there. */
export async function askPrometheus(
  url: string,
  query: string,
  range: PromRange,
  instant: boolean,
): Promise<Answer> {
  const { fromMs, toMs, stepMs } = range;
  const onStep = (ms: number): string => String((Math.floor(ms / stepMs) * stepMs) / 1_000);
  const parameters = instant
    ? new URLSearchParams({ query, time: String(toMs / 1_000) })
    : new URLSearchParams({ query, start: onStep(fromMs), end: onStep(toMs), step: String(stepMs / 1_000) });
  const response = await fetch(`${url}/api/v1/${instant ? 'query' : 'query_range'}?${parameters}`, {
    method: 'POST',
  });
  const answer = promSchema.parse(await response.json());
  if (answer.status === 'error') throw new Error(`${query}: ${answer.error}`);
  return answer.data.result
    .map(({ metric, value, values }) => ({
      name: metric['__name__'] ?? '',
      labels: metric,
      columns: ['time', 'value'],
      rows: (values ?? (value ? [value] : []))
        .map(([at, text]) => [Math.round(at * 1_000), Number(text)])
        .filter(([, number]) => !Number.isNaN(number)),
    }))
    .filter(({ rows }) => rows.length > 0);
}

/** Values of the label `label` of the series that a selector finds: `label_values(selector, label)`. */
export async function labelValues(url: string, selector: string, label: string): Promise<string[]> {
  const parameters = new URLSearchParams({ 'match[]': selector });
  const response = await fetch(`${url}/api/v1/label/${label}/values?${parameters}`);
  return z.object({ data: z.array(z.string()) }).parse(await response.json()).data;
}
