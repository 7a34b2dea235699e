import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { askInflux, askPrometheus, labelValues, type Answer } from './answers.js';
import { RATE_SCRAPES } from './rate-at.js';
import type { Annotation, Panel, Variable } from './dashboard.js';
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

/** Where the chosen range begins. Of InfluxDB before the first reading; of Prometheus when every counter is there and nothing rises. */
export type RangeStart = Readonly<Record<'influxdb' | 'prometheus', number>>;

export type Chosen = Readonly<Record<string, VariableValue>>;

/** Asks the real services what Grafana would ask them for a panel, an annotation or a variable. */
export class DashboardReader {
  constructor(
    private readonly services: Services,
    private readonly fromMs: RangeStart,
  ) {}

  panel({ targets, interval }: Panel, chosen: Chosen = {}, toMs = Date.now()): Promise<Answer[]> {
    return Promise.all(
      targets.map(({ datasource: { type }, query = '', expr = '', instant = false }) =>
        type === 'influxdb'
          ? this.influx(query, { interval, chosen, toMs })
          : this.prometheus(expr, { interval, chosen, toMs }, instant),
      ),
    );
  }

  /** The values of a metric over the same range, at the same moments: what a panel must have been made of. */
  raw(selector: string, toMs: number): Promise<Answer> {
    const { prometheus, scrapeMs: stepMs } = this.services;
    return askPrometheus(prometheus, selector, { fromMs: this.fromMs.prometheus, toMs, stepMs }, false);
  }

  /** The samples of a metric when they were scraped, also those that the first rate of the range looks back to. */
  samples(selector: string, toMs: number): Promise<Answer> {
    const { prometheus, scrapeMs: stepMs } = this.services;
    const fromMs = (Math.floor(this.fromMs.prometheus / stepMs) - RATE_SCRAPES) * stepMs;
    return askPrometheus(prometheus, `${selector}[${toMs - fromMs}ms]`, { fromMs, toMs, stepMs }, true);
  }

  annotation({ query, expr }: Annotation, chosen: Chosen = {}): Promise<Answer> {
    const asked = { interval: undefined, chosen, toMs: Date.now() };
    if (query !== undefined) return this.influx(query, asked);
    return this.prometheus(expr ?? '', asked, false);
  }

  /** What there is to choose from. */
  async options({ datasource: { type }, query }: Variable): Promise<string[]> {
    if (type === 'prometheus') {
      const [, selector = '', label = ''] = /^label_values\((.*), *(\w+)\)$/.exec(query) ?? [];
      return labelValues(this.services.prometheus, selector, label);
    }
    const series = await this.influx(query, { interval: undefined, chosen: {}, toMs: Date.now() });
    const isTagValues = /^SHOW TAG VALUES/i.test(query); // their rows are key and value, those of other lists begin with what they list
    return [
      ...new Set(series.flatMap(({ rows }) => rows.map((row) => String(row[isTagValues ? 1 : 0])))),
    ].toSorted();
  }

  private influx(query: string, asked: Asked): Promise<Answer> {
    const { timeInterval = '1s' } =
      provisionedDatasources().find(({ type }) => type === 'influxdb')?.jsonData ?? {};
    const { influx, database } = this.services;
    const context = contextOf(asked, this.fromMs.influxdb, durationMs(timeInterval));
    return askInflux(influx, database, expandInfluxQl(query, context));
  }

  private prometheus(query: string, asked: Asked, instant: boolean): Promise<Answer> {
    const context = contextOf(asked, this.fromMs.prometheus, this.services.scrapeMs);
    const { fromMs, toMs, intervalMs: stepMs } = context;
    return askPrometheus(
      this.services.prometheus,
      expandPromQl(query, context),
      { fromMs, toMs, stepMs },
      instant,
    );
  }
}

interface Asked {
  /** Of the panel. */
  readonly interval: string | undefined;
  readonly chosen: Chosen;
  readonly toMs: number;
}

function contextOf({ interval, chosen, toMs }: Asked, fromMs: number, minIntervalMs: number): QueryContext {
  const least = interval === undefined ? minIntervalMs : Math.max(minIntervalMs, durationMs(interval));
  return {
    fromMs,
    toMs,
    minIntervalMs,
    variables: chosen,
    intervalMs: panelIntervalMs(fromMs, toMs, least),
  };
}
