import type { DeviceRecord, Presence } from '@fieldgate/contracts';

/** A device as the API shows it; the secret's hash stays inside. */
export interface DeviceAnswer {
  readonly id: string;
  readonly type?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function deviceAnswer(record: DeviceRecord): DeviceAnswer {
  return {
    id: record.id,
    ...(record.type === undefined ? {} : { type: record.type }),
    labels: record.labels,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
  };
}

export function presenceAnswer(presence: Presence): {
  connected: boolean;
  commandReady: boolean;
  lastReportedAt?: string;
} {
  const { connected, commandReady, lastReportedAt } = presence;
  return {
    connected,
    commandReady,
    ...(lastReportedAt === undefined ? {} : { lastReportedAt: new Date(lastReportedAt).toISOString() }),
  };
}
