import { FieldgateError, type DeviceRecord } from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import { TELEMETRY_STORE, type TelemetryStore } from '@fieldgate/telemetry-store';
import { Body, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { OperatorController } from '../operator-controller.js';
import { Problem } from '../http/problem.js';
import { Describe } from '../http/route-description.js';
import { newestReadings } from '../telemetry/newest-readings.js';
import { deviceAnswer, presenceAnswer } from './device-answer.js';
import {
  createdAnswerSchema,
  deviceAnswerSchema,
  devicesAnswerSchema,
  knownDeviceSchema,
  newSecretAnswerSchema,
} from './device-answers.js';
import {
  devicePatchSchema,
  devicesQuerySchema,
  newSecretSchema,
  oneOrManyDevicesSchema,
  type DevicePatch,
  type DevicesQuery,
  type NewDevice,
  type NewSecret,
} from './device-requests.js';
import { ListDevices } from './list-devices.js';
import { PresenceOfDevices } from './presence.js';
import { RegisterDevice, type RegisteredOfMany } from './register-device.js';
import { Registry } from './registry.js';

@OperatorController('devices')
export class DevicesController {
  constructor(
    private readonly registration: RegisterDevice,
    private readonly registry: Registry,
    private readonly list: ListDevices,
    private readonly presence: PresenceOfDevices,
    @Inject(TELEMETRY_STORE) private readonly store: TelemetryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Describe({
    summary: 'Register a device, or many',
    description:
      'Of many each succeeds or fails on its own. A generated secret is shown in this answer only.',
    body: oneOrManyDevicesSchema,
    answers: {
      201: { description: 'What was registered, in the order of the request', schema: createdAnswerSchema },
    },
  })
  @Post()
  @HttpCode(201)
  async create(
    @Body({ schema: oneOrManyDevicesSchema }) body: NewDevice | readonly NewDevice[],
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    if (isMany(body)) return this.createMany(body);
    const registered = await this.registration.register(body);
    if (registered.kind === 'exists')
      throw new Problem('device-exists', `"${registered.id}" is registered already`);
    void reply.header('location', `/v1/devices/${body.id}`);
    return createdAnswer(registered);
  }

  @Describe({
    summary: 'Devices in the order of their ids, and who is connected',
    query: devicesQuerySchema,
    answers: { 200: { description: 'A page of them', schema: devicesAnswerSchema } },
  })
  @Get()
  many(@Query({ schema: devicesQuerySchema }) query: DevicesQuery): unknown {
    const { devices, nextCursor } = this.list.page(query);
    return {
      devices: devices.map((device) => this.listed(device)),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  @Describe({
    summary: 'One device',
    answers: { 200: { description: 'The device', schema: knownDeviceSchema } },
  })
  @Get(':id')
  async one(@Param('id') id: string): Promise<unknown> {
    const device = this.registry.get(id);
    const lastReportedAt = await this.lastReportedAt(device);
    return { ...deviceAnswer(device), presence: { ...this.presenceNow(id), ...lastReportedAt } };
  }

  @Describe({
    summary: 'Change type and labels of a device',
    description: 'JSON Merge Patch (RFC 7396): what is not named stays, null removes.',
    body: devicePatchSchema,
    answers: { 200: { description: 'The device as it is now', schema: deviceAnswerSchema } },
  })
  @Patch(':id')
  async change(
    @Param('id') id: string,
    @Body({ schema: devicePatchSchema }) patch: DevicePatch,
  ): Promise<unknown> {
    return deviceAnswer(await this.registry.patch(id, patch));
  }

  @Describe({
    summary: 'Delete a device, and close its connection',
    answers: { 204: { description: 'It is deleted' } },
  })
  @Delete(':id')
  @HttpCode(204)
  async remove(@Param('id') id: string): Promise<void> {
    await this.registry.remove(id);
  }

  @Describe({
    summary: 'Give a device a new secret, and close its connection',
    body: newSecretSchema,
    answers: { 200: { description: 'The secret, when it was generated', schema: newSecretAnswerSchema } },
  })
  @Post(':id/secret')
  @HttpCode(200)
  async replaceSecret(
    @Param('id') id: string,
    @Body({ schema: newSecretSchema }) body: NewSecret,
  ): Promise<unknown> {
    const generated = await this.registry.replaceSecret(id, body.secret);
    return generated === undefined ? { id } : { id, secret: generated };
  }

  private listed(device: DeviceRecord): unknown {
    return { ...deviceAnswer(device), presence: this.presenceNow(device.id) };
  }

  private async createMany(devices: readonly NewDevice[]): Promise<unknown> {
    const registered = await this.registration.registerMany(devices);
    const results = registered.map(createdAnswer);
    if (registered.some(({ kind }) => kind === 'created')) return results;
    for (const each of registered) if (each.kind === 'unavailable') throw each.error;
    throw new Problem('device-exists', 'all of these devices are registered already', {
      extension: { results },
    });
  }

  private presenceNow(deviceId: string): ReturnType<typeof presenceAnswer> {
    return presenceAnswer({
      connected: this.presence.session(deviceId) !== undefined,
      commandReady: this.presence.commandReady(deviceId),
    });
  }

  /** Nothing while the store is away: whether a device is connected must be seen then more than ever. */
  private async lastReportedAt(device: DeviceRecord): Promise<{ lastReportedAt?: string }> {
    try {
      const times = (await newestReadings(this.store, device)).map(({ timeMs }) => timeMs);
      if (times.length === 0) return {};
      const reported = Math.min(Math.max(...times), this.clock.now()); // a device's clock may be ahead; a report is in the past
      return { lastReportedAt: new Date(reported).toISOString() };
    } catch (error) {
      if (error instanceof FieldgateError && error.code === 'store-unavailable') return {};
      throw error;
    }
  }
}

function isMany(body: NewDevice | readonly NewDevice[]): body is readonly NewDevice[] {
  return Array.isArray(body);
}

/** A generated secret is shown here and nowhere else. */
function createdAnswer(registered: RegisteredOfMany): unknown {
  const { kind } = registered;
  switch (kind) {
    case 'created': {
      const { device, generatedSecret } = registered;
      return { ...device, ...(generatedSecret === undefined ? {} : { secret: generatedSecret }) };
    }
    case 'exists':
      return { id: registered.id, error: { code: 'device-exists', detail: 'registered already' } };
    case 'unavailable': {
      const { code, message } = registered.error;
      return { id: registered.id, error: { code, detail: message } };
    }
  }
}
