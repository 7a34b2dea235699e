import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { askInflux, askPrometheus, labelValues, type Answer } from './answers.js';
import type { Annotation, Panel, Target, Variable } from './dashboard.js';
import {
  durationMs,
  expandInfluxQl,
  expandPromQl,
  panelIntervalMs,
  type QueryContext,
  type VariableValue,
} from './expand-query.js';

const PROVISIONED = new URL('../../../ops/grafana/provisioning/datasources/fieldgate.yml', import.meta.url);

export const datasourceSchema = z.object({
  uid: z.string(),
  type: z.enum(['influxdb', 'prometheus']),
  jsonData: z.object({ timeInterval: z.string() }),
});

export function provisionedDatasources(): z.infer<typeof datasourceSchema>[] {
  return z.object({ datasources: z.array(datasourceSchema) }).parse(parse(readFileSync(PROVISIONED, 'utf8')))
    .datasources;
}

export interface Services {
  readonly influx: string;
  readonly database: string;
  readonly prometheus: string;
  /** Prometheus is read so often; `timeInterval` of the data source is this here. */
  readonly scrapeMs: number;
}

export type Chosen = Readonly<Record<string, VariableValue>>;

/** Asks the real services what Grafana would ask them for a panel, an annotation or a variable. */
export class DashboardReader {
  constructor(
    private readonly services: Services,
    private readonly fromMs: number,
  ) {}

  panel(panel: Panel, chosen: Chosen = {}): Promise<Answer[]> {
    return Promise.all(panel.targets.map((target) => this.target(target, panel.interval, chosen)));
  }

  annotation({ query, expr }: Annotation, chosen: Chosen = {}): Promise<Answer> {
    if (query !== undefined) return this.influx(query, undefined, chosen);
    return this.prometheus(expr ?? '', undefined, chosen, false);
  }

  /** What there is to choose from. */
  async options({ datasource: { type }, query }: Variable): Promise<string[]> {
    if (type === 'prometheus') {
      const [, selector = '', label = ''] = /^label_values\((.*), *(\w+)\)$/.exec(query) ?? [];
      return labelValues(this.services.prometheus, selector, label);
    }
    const series = await this.influx(query, undefined, {});
    const isTagValues = /^SHOW TAG VALUES/i.test(query); // their rows are key and value, those of other lists begin with what they list
    return [
      ...new Set(series.flatMap(({ rows }) => rows.map((row) => String(row[isTagValues ? 1 : 0])))),
    ].toSorted();
  }

  private target(target: Target, interval: string | undefined, chosen: Chosen): Promise<Answer> {
    if (target.datasource.type === 'influxdb') return this.influx(target.query ?? '', interval, chosen);
    return this.prometheus(target.expr ?? '', interval, chosen, target.instant ?? false);
  }

  private influx(query: string, interval: string | undefined, chosen: Chosen): Promise<Answer> {
    const { timeInterval = '1s' } =
      provisionedDatasources().find(({ type }) => type === 'influxdb')?.jsonData ?? {};
    const { influx, database } = this.services;
    return askInflux(
      influx,
      database,
      expandInfluxQl(query, this.context(interval, durationMs(timeInterval), chosen)),
    );
  }

  private prometheus(
    query: string,
    interval: string | undefined,
    chosen: Chosen,
    instant: boolean,
  ): Promise<Answer> {
    const context = this.context(interval, this.services.scrapeMs, chosen);
    const { fromMs, toMs, intervalMs: stepMs } = context;
    return askPrometheus(
      this.services.prometheus,
      expandPromQl(query, context),
      { fromMs, toMs, stepMs },
      instant,
    );
  }

  private context(interval: string | undefined, minIntervalMs: number, variables: Chosen): QueryContext {
    const { fromMs } = this;
    const toMs = Date.now();
    const least = interval === undefined ? minIntervalMs : Math.max(minIntervalMs, durationMs(interval));
    return { fromMs, toMs, minIntervalMs, variables, intervalMs: panelIntervalMs(fromMs, toMs, least) };
  }
}
