import {
  FieldgateError,
  hashSecret,
  SALT_BYTES,
  SECRET_BYTES,
  tokenOf,
  type DeviceRecord,
} from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { Turns } from '../turns.js';
import { deviceAnswer, type DeviceAnswer } from './device-answer.js';
import type { NewDevice } from './device-requests.js';
import { DeviceTables } from './device-tables.js';
import { Registry } from './registry.js';

export type Registered =
  | { readonly kind: 'created'; readonly device: DeviceAnswer; readonly generatedSecret?: string }
  | { readonly kind: 'exists'; readonly id: string };

/** One of many: the log may go away in the middle, and the secrets of those that are registered must still reach the caller. */
export type RegisteredOfMany =
  Registered | { readonly kind: 'unavailable'; readonly id: string; readonly error: FieldgateError };

/**
 * On a table topic the last record wins, so a registration must not be believed until it is read back: when another creation of the same
 * id stands before it, that one is restored, and this one has failed (architecture, principle 5).
 */
@Injectable()
export class RegisterDevice {
  constructor(
    private readonly tables: DeviceTables,
    private readonly registry: Registry,
    private readonly turns: Turns,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  register(device: NewDevice): Promise<Registered> {
    return this.turns.take(device.id, () => this.registerInTurn(device));
  }

  registerMany(devices: readonly NewDevice[]): Promise<readonly RegisteredOfMany[]> {
    return Promise.all(
      devices.map(async (device): Promise<RegisteredOfMany> => {
        try {
          return await this.register(device);
        } catch (error) {
          if (!(error instanceof FieldgateError) || !error.retriable) throw error;
          return { kind: 'unavailable', id: device.id, error };
        }
      }),
    );
  }

  private async registerInTurn(device: NewDevice): Promise<Registered> {
    if (this.tables.devices.get(device.id)) return { kind: 'exists', id: device.id };
    const generatedSecret = device.secret === undefined ? tokenOf(randomBytes(SECRET_BYTES)) : undefined;
    const record = newRecord(device, device.secret ?? generatedSecret ?? '', this.clock.now());
    const creation = this.watchCreation(record);
    try {
      await this.registry.put(record);
      const owner = creation.owner();
      if (owner !== undefined && owner.creationId !== record.creationId) {
        await this.registry.put(owner);
        return { kind: 'exists', id: device.id };
      }
    } finally {
      creation.stop();
    }
    const created = { kind: 'created', device: deviceAnswer(record) } as const;
    return generatedSecret === undefined ? created : { ...created, generatedSecret };
  }

  /** From a moment at which the device did not exist: whose creation came first, and that one's newest record. */
  private watchCreation(mine: DeviceRecord): { owner(): DeviceRecord | undefined; stop(): void } {
    let owner: DeviceRecord | undefined;
    let decided = false;
    const stop = this.tables.devices.changes(({ key, value }) => {
      if (key !== mine.id || decided) return;
      if (value === undefined || owner === undefined || owner.creationId === value.creationId) owner = value;
      decided = value?.creationId === mine.creationId; // what comes after is not about this creation
    });
    return { owner: () => owner, stop };
  }
}

function newRecord(device: NewDevice, secret: string, now: number): DeviceRecord {
  return {
    id: device.id,
    ...(device.type === undefined ? {} : { type: device.type }),
    labels: device.labels,
    secret: hashSecret(secret, randomBytes(SALT_BYTES)),
    createdAt: now,
    updatedAt: now,
    creationId: randomBytes(16).toString('base64url'),
    secretVersion: 1,
  };
}
