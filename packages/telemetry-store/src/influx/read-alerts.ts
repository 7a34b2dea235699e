import { alertOf, alertPlaceOf, alertStateOf } from '../alert-steps.js';
import type { AlertQuery, StoredAlert } from '../telemetry-store.js';
import type { InfluxQueries } from './influx-queries.js';
import { instant, whole } from './read-readings.js';

const STEPS = 'raised, escalated, cleared, acknowledged';
const PAGE = 1_000;

export async function readAlert(queries: InfluxQueries, id: string): Promise<StoredAlert | undefined> {
  const place = alertPlaceOf(id);
  if (!place) return undefined;
  const { deviceId, rule, raisedAt } = place;
  const [table] = await queries.tables(
    [
      `SELECT ${STEPS} FROM alerts WHERE device = $device AND rule = $rule AND time >= ${instant(raisedAt)}ms AND time < ${instant(raisedAt + 1)}ms`,
    ],
    { device: deviceId, rule },
  );
  return alertsIn(table?.rows ?? [])[0];
}

/**
 * Severity and state are looked at here: InfluxQL cannot ask for a field that is not there, and what stands in the fields for dashboards is of
 * the step that was written last. Alerts of one time come in an order of their own, so they are sorted here when all of that time are there.
 */
export async function readAlerts(queries: InfluxQueries, query: AlertQuery): Promise<readonly StoredAlert[]> {
  const filter = [`time >= ${instant(query.fromMs)}ms`, `time < ${instant(query.toMs)}ms`];
  const values: Record<string, string> = {};
  for (const [tag, value] of [['device', query.deviceId] as const, ['rule', query.rule] as const]) {
    if (value === undefined) continue;
    filter.push(`${tag} = $${tag}`);
    values[tag] = value;
  }
  const found = new Map<string, StoredAlert>(); // by id: an alert that is raised between two pages moves the others along
  const page = Math.max(PAGE, whole(query.limit));
  for (let offset = 0; ; offset += page) {
    const [table] = await queries.tables(
      [
        `SELECT ${STEPS} FROM alerts WHERE ${filter.join(' AND ')} ORDER BY time DESC LIMIT ${page} OFFSET ${offset}`,
      ],
      values,
    );
    const rows = table?.rows ?? [];
    for (const alert of alertsIn(rows)) if (isWanted(alert, query)) found.set(alert.id, alert);
    const newest = newestFirst([...found.values()]).slice(0, query.limit);
    const earliest = newest[query.limit - 1]?.raisedAt;
    if (rows.length < page || (earliest !== undefined && earliest > Number(rows.at(-1)?.[0]))) return newest;
  }
}

function isWanted(alert: StoredAlert, { severity, state }: AlertQuery): boolean {
  if (severity !== undefined && alert.severity !== severity) return false;
  return state === undefined || alertStateOf(alert) === state;
}

function newestFirst(alerts: readonly StoredAlert[]): StoredAlert[] {
  return alerts.toSorted((a, b) => b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : 1));
}

function alertsIn(rows: readonly (readonly unknown[])[]): StoredAlert[] {
  return rows.flatMap(([, raised, escalated, cleared, acknowledged]) => {
    const alert = alertOf({
      ...step('raised', raised),
      ...step('escalated', escalated),
      ...step('cleared', cleared),
      ...step('acknowledged', acknowledged),
    });
    return alert ? [alert] : [];
  });
}

function step(name: string, json: unknown): object {
  return typeof json === 'string' ? { [name]: JSON.parse(json) as unknown } : {}; // written by line-protocol.ts
}
