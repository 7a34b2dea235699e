import type { OwnServer } from './ingest-systems.js';

/** What the gateway's metrics say of its spool. */
export interface SpoolMetrics {
  readonly state: string;
  /** Not known to be in the log. */
  readonly waiting: number;
  readonly bytes: number;
  /** Since the start. */
  readonly spooled: number;
  readonly drained: number;
  /** `performance.now()` when they were asked for. */
  readonly atMs: number;
}

const NAMES = [
  'fieldgate_spool_state',
  'fieldgate_spool_waiting_records',
  'fieldgate_spool_bytes',
  'fieldgate_spool_records_total',
] as const;
const LOOK_EVERY_MS = 50;

export async function spoolMetrics({ ports }: OwnServer): Promise<SpoolMetrics> {
  const query = NAMES.map((name) => `name=${name}`).join('&');
  const atMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${ports['metrics']}/metrics?${query}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`metrics of the gateway: ${text}`);
  return {
    state: /^fieldgate_spool_state\{state="(\w+)"\} 1$/m.exec(text)?.[1] ?? 'none',
    waiting: valueOf(text, 'fieldgate_spool_waiting_records'),
    bytes: valueOf(text, 'fieldgate_spool_bytes'),
    spooled: valueOf(text, 'fieldgate_spool_records_total{outcome="spooled"}'),
    drained: valueOf(text, 'fieldgate_spool_records_total{outcome="drained"}'),
    atMs,
  };
}

/** Looks until it is so; each look is shown to `is`. */
export async function untilSpool(
  gateway: OwnServer,
  is: (metrics: SpoolMetrics) => boolean,
  withinSeconds: number,
): Promise<SpoolMetrics> {
  const deadline = performance.now() + withinSeconds * 1_000;
  for (;;) {
    const metrics = await spoolMetrics(gateway);
    if (is(metrics)) return metrics;
    if (metrics.atMs > deadline) throw new Error(`the spool is still ${JSON.stringify(metrics)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** 0 for what has never been counted. */
function valueOf(text: string, series: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}
