import {
  encodeTableRow,
  hashSecret,
  SALT_BYTES,
  SECRET_BYTES,
  tokenOf,
  type DeviceRecord,
} from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { DurableAppend } from '../durable-append.js';
import { invalidRequest, Problem } from '../http/problem.js';
import { Turns } from '../turns.js';
import { patchedLabelsSchema, ruleOfKeys, type DevicePatch } from './device-requests.js';
import { DeviceTables } from './device-tables.js';

/** Changes of registered devices. Two at once in this process take turns; of two processes the last record wins. */
@Injectable()
export class Registry {
  constructor(
    private readonly tables: DeviceTables,
    private readonly durable: DurableAppend,
    private readonly turns: Turns,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Or 404. */
  get(id: string): DeviceRecord {
    const record = this.tables.devices.get(id);
    if (!record) throw new Problem('device-not-found', `no device "${id.slice(0, 64)}" is registered`);
    return record;
  }

  /** Durable, and in the table. */
  async put(record: DeviceRecord): Promise<void> {
    const { id: key, updatedAt: atMs } = record;
    await this.write(
      key,
      encodeTableRow('fieldgate.devices.v1', { key, id: randomUUID(), atMs, data: record }),
    );
  }

  patch(id: string, patch: DevicePatch): Promise<DeviceRecord> {
    return this.change(id, ({ type, ...record }) => {
      const newType = patch.type === undefined ? type : (patch.type ?? undefined);
      return {
        ...record,
        ...(newType === undefined ? {} : { type: newType }),
        labels: patch.labels === null ? {} : patchedLabels(record.labels, patch.labels ?? {}),
      };
    });
  }

  /** The gateway closes a connection that was made with an older version. Returns the secret when it was generated. */
  async replaceSecret(id: string, imported: string | undefined): Promise<string | undefined> {
    const generated = imported === undefined ? tokenOf(randomBytes(SECRET_BYTES)) : undefined;
    const secret = hashSecret(imported ?? generated ?? '', randomBytes(SALT_BYTES));
    await this.change(id, (record) => ({ ...record, secret, secretVersion: record.secretVersion + 1 }));
    return generated;
  }

  /** The gateway closes the live session when it sees the tombstone. */
  remove(id: string): Promise<void> {
    return this.turns.take(id, async () => {
      this.get(id);
      await this.write(id, null);
    });
  }

  private change(id: string, changed: (record: DeviceRecord) => DeviceRecord): Promise<DeviceRecord> {
    return this.turns.take(id, async () => {
      const before = this.get(id);
      const after = changed(before);
      if (isDeepStrictEqual(after, before)) return before; // it is in the log already, and nothing has been updated
      const record = { ...after, updatedAt: this.clock.now() };
      await this.put(record);
      return record;
    });
  }

  private async write(key: string, value: Uint8Array | null): Promise<void> {
    await this.durable.append({ topic: 'fieldgate.devices.v1', key, value }, (at) =>
      this.tables.devices.reached(at),
    );
  }
}

function patchedLabels(
  labels: Readonly<Record<string, string>>,
  patch: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged: Record<string, string | null> = { ...labels, ...patch };
  const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  const parsed = patchedLabelsSchema.safeParse(kept, { error: ruleOfKeys });
  if (parsed.success) return parsed.data;
  throw invalidRequest(
    parsed.error.issues.map(({ message, path }) => ({ message, path: ['labels', ...path] })),
  );
}
