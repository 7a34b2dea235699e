import type { DuckDBValue } from '@duckdb/node-api';
import type { Command, EventRecord } from '@fieldgate/contracts';
import { alertOf, type AlertSteps } from '../alert-steps.js';
import type { AlertQuery, CommandQuery, EventQuery, StoredAlert } from '../telemetry-store.js';
import type { ReadConnections } from './read-connections.js';
import { timeLiteral } from './schema.js';

export async function readEvents(
  query: EventQuery,
  connections: ReadConnections,
): Promise<readonly EventRecord[]> {
  const filter = new Filter();
  filter.equal('device', query.deviceId);
  filter.equal('event', query.event);
  const rows = await connections.rows(
    `SELECT record FROM events WHERE time >= ${timeLiteral(query.fromMs)} AND time < ${timeLiteral(query.toMs)}${filter.sql}
     ORDER BY time DESC, rowid DESC LIMIT ${Math.trunc(query.limit)}`,
    filter.values,
  );
  return rows.map(([record]) => JSON.parse(String(record)) as EventRecord); // written by write-documents.ts
}

export async function readCommand(id: string, connections: ReadConnections): Promise<Command | undefined> {
  const [row] = await connections.rows('SELECT record FROM commands WHERE id = $1', [id]);
  return row && commandOf(row);
}

export async function readCommands(
  query: CommandQuery,
  connections: ReadConnections,
): Promise<readonly Command[]> {
  const filter = new Filter();
  filter.equal('device', query.deviceId);
  filter.equal('state', query.state);
  const rows = await connections.rows(
    `SELECT record FROM commands WHERE true${filter.sql} ORDER BY requested DESC, rowid DESC LIMIT ${Math.trunc(query.limit)}`,
    filter.values,
  );
  return rows.map(commandOf);
}

function commandOf([record]: readonly DuckDBValue[]): Command {
  return JSON.parse(String(record)) as Command; // written by write-documents.ts
}

export async function readAlert(id: string, connections: ReadConnections): Promise<StoredAlert | undefined> {
  const [row] = await connections.rows('SELECT steps FROM alerts WHERE id = $1', [id]);
  return row && alertIn(row)[0];
}

export async function readAlerts(
  query: AlertQuery,
  connections: ReadConnections,
): Promise<readonly StoredAlert[]> {
  const filter = new Filter();
  filter.equal('device', query.deviceId);
  filter.equal('rule', query.rule);
  filter.equal('severity', query.severity);
  filter.equal('state', query.state);
  const rows = await connections.rows(
    `SELECT steps FROM alerts WHERE raised >= ${timeLiteral(query.fromMs)} AND raised < ${timeLiteral(query.toMs)}${filter.sql}
     ORDER BY raised DESC, id LIMIT ${Math.trunc(query.limit)}`,
    filter.values,
  );
  return rows.flatMap(alertIn);
}

function alertIn([steps]: readonly DuckDBValue[]): StoredAlert[] {
  const alert = alertOf(JSON.parse(String(steps)) as AlertSteps); // written by write-alerts.ts
  return alert ? [alert] : [];
}

/** Values from outside never stand in the text of a statement. */
class Filter {
  sql = '';
  readonly values: string[] = [];

  equal(column: 'device' | 'event' | 'state' | 'rule' | 'severity', value: string | undefined): void {
    if (value === undefined) return;
    this.values.push(value);
    this.sql += ` AND ${column} = $${this.values.length}`;
  }
}
