import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const FOLDER = new URL('../../../ops/grafana/dashboards/', import.meta.url);

const datasource = z.object({ type: z.string(), uid: z.string() });

const targetSchema = z.object({
  refId: z.string(),
  datasource,
  /** InfluxQL. */
  query: z.string().optional(),
  resultFormat: z.enum(['time_series', 'table']).optional(),
  /** PromQL. */
  expr: z.string().optional(),
  instant: z.boolean().optional(),
});
export type Target = Readonly<z.infer<typeof targetSchema>>;

const panelSchema = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string(),
  datasource,
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }),
  /** The narrowest bar or mean of this panel. */
  interval: z.string().optional(),
  targets: z.array(targetSchema).min(1),
});
export type Panel = Readonly<z.infer<typeof panelSchema>>;

const annotationSchema = z.object({
  name: z.string(),
  datasource,
  query: z.string().optional(),
  expr: z.string().optional(),
  textColumn: z.string().optional(),
  tagsColumn: z.string().optional(),
  timeEndColumn: z.string().optional(),
  /** Newer versions of Grafana read this, older ones what stands beside it. */
  target: z.looseObject({ query: z.string() }).optional(),
});
export type Annotation = Readonly<z.infer<typeof annotationSchema>>;

const variableSchema = z.object({
  name: z.string(),
  datasource,
  query: z.union([z.string(), z.object({ query: z.string() }).transform(({ query }) => query)]),
  multi: z.boolean(),
  includeAll: z.boolean(),
  allValue: z.string().optional(),
});
export type Variable = Readonly<z.infer<typeof variableSchema>>;

const dashboardSchema = z.object({
  uid: z.string(),
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  schemaVersion: z.number(),
  annotations: z.object({ list: z.array(annotationSchema) }),
  templating: z.object({ list: z.array(variableSchema) }),
  panels: z.array(panelSchema),
});
export type Dashboard = Readonly<z.infer<typeof dashboardSchema>>;

/** All files of ops/grafana/dashboards. */
export function dashboards(): Dashboard[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => dashboardSchema.parse(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))));
}
