import type { z } from 'zod';
import { cloudEventSchema, deviceSource, encodeCloudEvent } from './cloud-event.js';

/** Topics that are tables: the newest record of a key is its row. */
export type TableTopic =
  | 'fieldgate.devices.v1'
  | 'fieldgate.sessions.v1'
  | 'fieldgate.gateways.v1'
  | 'fieldgate.alert-states.v1'
  | 'fieldgate.alert-checkpoints.v1'
  | 'fieldgate.ledger-states.v1';

export interface TableRow {
  /** The key: a device id, `<gateway>/<boot>`, or as in alert.ts. */
  readonly key: string;
  /** Unique within the rows of one key. */
  readonly id: string;
  /** Epoch ms. */
  readonly atMs: number;
  readonly data: unknown;
}

/** A row is a CloudEvent like every other value in the log: what it says now, and since when. */
export function encodeTableRow(topic: TableTopic, { key, id, atMs, data }: TableRow): Uint8Array {
  const at = new Date(atMs).toISOString();
  return encodeCloudEvent({
    specversion: '1.0',
    type: topic,
    source: sourceOf(topic, key),
    subject: key,
    id,
    time: at,
    receivedtime: at,
    datacontenttype: 'application/json',
    data,
  });
}

function sourceOf(topic: TableTopic, key: string): string {
  switch (topic) {
    case 'fieldgate.devices.v1':
    case 'fieldgate.sessions.v1':
      return deviceSource(key);
    case 'fieldgate.ledger-states.v1':
      return '/ledger';
    case 'fieldgate.gateways.v1':
      return `/gateways/${key}`;
    case 'fieldgate.alert-states.v1':
    case 'fieldgate.alert-checkpoints.v1':
      return '/alerts';
  }
}

/** The reader of one table's rows: undefined for bytes that are none. */
export function tableRows<T>(topic: TableTopic, schema: z.ZodType<T>): (value: Uint8Array) => T | undefined {
  return (value) => {
    let json: unknown;
    try {
      json = JSON.parse(Buffer.from(value).toString('utf8'));
    } catch {
      return undefined; // not JSON: whoever keeps the table reports the record as unreadable
    }
    const event = cloudEventSchema.safeParse(json);
    return event.success && event.data.type === topic ? schema.safeParse(event.data.data).data : undefined;
  };
}
