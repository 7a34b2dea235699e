import type { Command, EventRecord } from '@fieldgate/contracts';
import type { CommandQuery, EventQuery } from '../telemetry-store.js';
import type { InfluxQueries } from './influx-queries.js';
import { idBucket } from './line-protocol.js';
import { instant, whole } from './read-readings.js';

export async function readEvents(queries: InfluxQueries, query: EventQuery): Promise<readonly EventRecord[]> {
  const filter = [`time >= ${instant(query.fromMs)}ms`, `time < ${instant(query.toMs)}ms`];
  const values: Record<string, string> = {};
  equal(filter, values, 'device', query.deviceId);
  equal(filter, values, 'event', query.event);
  const [table] = await queries.tables(
    [
      `SELECT record FROM events WHERE ${filter.join(' AND ')} ORDER BY time DESC LIMIT ${whole(query.limit)}`,
    ],
    values,
  );
  return (table?.rows ?? []).map(([, record]) => JSON.parse(String(record)) as EventRecord); // written by line-protocol.ts
}

export async function readCommand(queries: InfluxQueries, id: string): Promise<Command | undefined> {
  const [ids] = await queries.tables(
    ['SELECT "of", requested FROM command_ids WHERE bucket = $bucket AND id = $id LIMIT 1'],
    { id, bucket: idBucket(id) },
  );
  const [place] = ids?.rows ?? [];
  if (!place) return undefined;
  const [, deviceId, requested] = place;
  const [table] = await queries.tables(
    [
      `SELECT record FROM commands WHERE device = $device AND id = $id AND time >= ${instant(Number(requested))}ms AND time < ${instant(Number(requested) + 1)}ms`,
    ],
    { id, device: String(deviceId) },
  );
  const [row] = table?.rows ?? [];
  return row && commandOf(row);
}

export async function readCommands(queries: InfluxQueries, query: CommandQuery): Promise<readonly Command[]> {
  const filter = ['time >= 0'];
  const values: Record<string, string> = {};
  equal(filter, values, 'device', query.deviceId);
  equal(filter, values, 'state', query.state);
  const [table] = await queries.tables(
    [
      `SELECT record FROM commands WHERE ${filter.join(' AND ')} ORDER BY time DESC LIMIT ${whole(query.limit)}`,
    ],
    values,
  );
  return (table?.rows ?? []).map(commandOf);
}

function commandOf([, record]: readonly unknown[]): Command {
  return JSON.parse(String(record)) as Command; // written by line-protocol.ts
}

/** Values from outside never stand in the text of a statement. */
function equal(
  filter: string[],
  values: Record<string, string>,
  name: 'device' | 'event' | 'state',
  value: string | undefined,
): void {
  if (value === undefined) return;
  filter.push(`${name} = $${name}`);
  values[name] = value;
}
