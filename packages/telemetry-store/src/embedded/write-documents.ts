import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBTimestampMillisecondsValue } from '@duckdb/node-api';
import type { Command, EventRecord } from '@fieldgate/contracts';
import { timeLiteral } from './schema.js';

/** Events are few: each is looked up before it is stored, so the same one again stays one, whatever brought it. */
export async function writeEvents(
  connection: DuckDBConnection,
  events: readonly EventRecord[],
): Promise<void> {
  await connection.run(
    'CREATE OR REPLACE TEMP TABLE new_events (device VARCHAR, id VARCHAR, time TIMESTAMP_MS, event VARCHAR, record VARCHAR)',
  );
  const appender = await connection.createAppender('new_events', 'main', 'temp');
  for (const event of events) {
    appender.appendVarchar(event.deviceId);
    appender.appendVarchar(event.id);
    appender.appendTimestampMilliseconds(new DuckDBTimestampMillisecondsValue(BigInt(event.timeMs)));
    appender.appendVarchar(event.event);
    appender.appendVarchar(JSON.stringify(event));
    appender.endRow();
  }
  appender.closeSync();
  const times = events.map((event) => event.timeMs).toSorted((a, b) => a - b);
  const between = `time BETWEEN ${timeLiteral(times[0] ?? 0)} AND ${timeLiteral(times.at(-1) ?? 0)}`;
  await connection.run(
    `INSERT INTO events SELECT * FROM new_events n WHERE NOT EXISTS (
       SELECT 1 FROM events e WHERE e.device = n.device AND e.time = n.time AND e.id = n.id AND e.${between})`,
  );
}

/** A command replaces itself: final first, perhaps once more with its late answer. */
export async function writeCommands(
  connection: DuckDBConnection,
  commands: readonly Command[],
): Promise<void> {
  await connection.run(
    'CREATE OR REPLACE TEMP TABLE new_commands (id VARCHAR, device VARCHAR, state VARCHAR, requested TIMESTAMP_MS, record VARCHAR)',
  );
  const appender = await connection.createAppender('new_commands', 'main', 'temp');
  for (const command of commands) {
    appender.appendVarchar(command.id);
    appender.appendVarchar(command.deviceId);
    appender.appendVarchar(command.state);
    appender.appendTimestampMilliseconds(new DuckDBTimestampMillisecondsValue(BigInt(command.requestedAt)));
    appender.appendVarchar(JSON.stringify(command));
    appender.endRow();
  }
  appender.closeSync();
  await connection.run('DELETE FROM commands WHERE id IN (SELECT id FROM new_commands)');
  await connection.run('INSERT INTO commands SELECT * FROM new_commands');
}
