import {
  DuckDBTimestampMillisecondsValue,
  LIST,
  listValue,
  VARCHAR,
  type DuckDBConnection,
} from '@duckdb/node-api';
import type { AlertStep } from '@fieldgate/contracts';
import { alertOf, alertStateOf, withStep, type AlertSteps } from '../alert-steps.js';

/** An alert is one row, which is written anew with every step of it; what is there of other steps stays. */
export async function writeAlerts(connection: DuckDBConnection, steps: readonly AlertStep[]): Promise<void> {
  const alerts = await present(connection, new Set(steps.map(({ alert }) => alert.id)));
  for (const step of steps) alerts.set(step.alert.id, withStep(alerts.get(step.alert.id) ?? {}, step));
  await connection.run(
    'CREATE OR REPLACE TEMP TABLE new_alerts (id VARCHAR, device VARCHAR, rule VARCHAR, severity VARCHAR, state VARCHAR, raised TIMESTAMP_MS, steps VARCHAR)',
  );
  const appender = await connection.createAppender('new_alerts', 'main', 'temp');
  for (const kept of alerts.values()) {
    const alert = alertOf(kept);
    if (!alert) continue;
    appender.appendVarchar(alert.id);
    appender.appendVarchar(alert.deviceId);
    appender.appendVarchar(alert.rule);
    appender.appendVarchar(alert.severity);
    appender.appendVarchar(alertStateOf(alert));
    appender.appendTimestampMilliseconds(new DuckDBTimestampMillisecondsValue(BigInt(alert.raisedAt)));
    appender.appendVarchar(JSON.stringify(kept));
    appender.endRow();
  }
  appender.closeSync();
  await connection.run('DELETE FROM alerts WHERE id IN (SELECT id FROM new_alerts)');
  await connection.run('INSERT INTO alerts SELECT * FROM new_alerts');
}

async function present(
  connection: DuckDBConnection,
  ids: ReadonlySet<string>,
): Promise<Map<string, AlertSteps>> {
  const reader = await connection.runAndReadAll(
    'SELECT id, steps FROM alerts WHERE id IN (SELECT unnest($1))',
    [listValue([...ids])],
    [LIST(VARCHAR)],
  );
  return new Map(
    reader.getRows().map(([id, steps]) => [String(id), JSON.parse(String(steps)) as AlertSteps]), // written here
  );
}
