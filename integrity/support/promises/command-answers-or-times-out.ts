import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest } from '../at-end.js';
import { CommandDevice, type MqttVersion } from '../command-device.js';
import type { Deployment } from '../deployment.js';
import type { CommandView } from '../operator.js';

const SECRET = 'command-secret-0123456789';
const WAIT_SECONDS = 20;

export function describeCommands(open: () => Promise<Deployment>): void {
  const atEnd = atEndOfEachTest();
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await open();
  }, 60_000);
  afterAll(() => deployment?.stop(), 60_000);

  async function registered(): Promise<string> {
    const id = `valve-${randomBytes(4).toString('hex')}`;
    await deployment.operator.register([{ id, secret: SECRET }]);
    return id;
  }

  async function connect(id: string, version: MqttVersion, subscribe = true): Promise<CommandDevice> {
    const device = await CommandDevice.connect({
      port: deployment.mqttPort,
      id,
      secret: SECRET,
      version,
      subscribe,
    });
    atEnd(() => device.close());
    return device;
  }

  /** Registered, connected, subscribed, and known to be so by the API. */
  async function ready(version: MqttVersion): Promise<{ id: string; device: CommandDevice }> {
    const id = await registered();
    const device = await connect(id, version);
    await deployment.operator.commandReady(id);
    return { id, device };
  }

  describe.each([
    ['MQTT 5', 5],
    ['MQTT 3.1.1', 4],
  ] as const)('a command to a device that speaks %s', (_name, version) => {
    it('comes back with the answer of the device', async () => {
      const { id, device } = await ready(version);
      const answered = deployment.operator.command(id, 'set-speed', {
        params: { rpm: 1200 },
        waitSeconds: WAIT_SECONDS,
      });
      const [request] = await device.requests.count(1);
      expect(request).toMatchObject({ name: 'set-speed', params: { rpm: 1200 } });
      if (!request) return;
      if (version === 5) {
        expect(request.responseTopic).toBe(`devices/${id}/responses/${request.commandId}`);
        expect(request.correlationData?.toString()).toBe(request.commandId);
      }
      await device.answer(request, 200, { rpm: 1198 });
      const { status, body } = await answered;
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { id: request.commandId, state: 'succeeded', result: { status: 200, body: { rpm: 1198 } } },
      });
      expect(statesOf(body)).toEqual(['requested', 'sent', 'delivered', 'succeeded']);
    });

    it.each([
      [422, 'rejected'],
      [503, 'failed'],
    ] as const)(
      'that is answered with %d is %s, and the answer over HTTP is still 200',
      async (code, state) => {
        const { id, device } = await ready(version);
        const answered = deployment.operator.command(id, 'open', { waitSeconds: WAIT_SECONDS });
        const [request] = await device.requests.count(1);
        if (request) await device.answer(request, code, { why: 'stuck' });
        const { status, body } = await answered;
        expect({ status, body }).toMatchObject({
          status: 200,
          body: { state, result: { status: code, body: { why: 'stuck' } } },
        });
      },
    );

    it('may report progress before it is done', async () => {
      const { id, device } = await ready(version);
      const answered = deployment.operator.command(id, 'update', { waitSeconds: WAIT_SECONDS });
      const [request] = await device.requests.count(1);
      if (!request) throw new Error('no request');
      await device.answer(request, 102, { percent: 50 });
      const underWay = await deployment.operator.commandUntil(
        request.commandId,
        ({ state }) => state === 'in-progress',
      );
      expect(underWay.timeline.at(-1)).toMatchObject({ state: 'in-progress', body: { percent: 50 } });
      await device.answer(request, 200, undefined);
      const { body } = await answered;
      expect(body).toMatchObject({ state: 'succeeded', result: { status: 200 } });
      expect(statesOf(body).slice(-2)).toEqual(['in-progress', 'succeeded']);
    });

    it('that is not answered in time has timed out, and an answer after that is kept as late', async () => {
      const { id, device } = await ready(version);
      const { status, body } = await deployment.operator.command(id, 'open', {
        timeoutSeconds: 0.3,
        waitSeconds: WAIT_SECONDS,
      });
      expect({ status, state: body.state }).toEqual({ status: 200, state: 'timed-out' });
      const request = await device.requestOf(body.id);
      await device.answer(request, 200, { open: true });
      const after = await deployment.operator.commandUntil(body.id, ({ late }) => late !== undefined);
      expect(after).toMatchObject({ state: 'timed-out', late: { status: 200, body: { open: true } } });
      expect(after.result).toBeUndefined();
    });

    it('is found in the end as it was left when each process was killed between request and answer', async () => {
      const id = await registered();
      let device = await connect(id, version);
      for (const part of deployment.parts) {
        await deployment.operator.commandReady(id);
        const { body } = await deployment.operator.command(id, 'open', { timeoutSeconds: 60 });
        const request = await device.requestOf(body.id);
        await deployment.operator.commandUntil(body.id, ({ state }) => state === 'delivered');
        await deployment.restart(part);
        if (part === deployment.partOf('gateway')) device = await connect(id, version, false);
        await device.answer(request, 200, { killed: part });
        const after = await deployment.operator.commandUntil(body.id, ({ state }) => state === 'succeeded');
        expect(after).toMatchObject({ state: 'succeeded', result: { body: { killed: part } } });
      }
    }, 60_000);
  });

  it('to a device that is not connected is refused', async () => {
    const { status, body } = await deployment.operator.command(await registered(), 'open');
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'device-offline' });
  });

  it('to a device that is connected but not subscribed is refused', async () => {
    const id = await registered();
    await connect(id, 5, false);
    await deployment.operator.connected(id);
    const { status, body } = await deployment.operator.command(id, 'open');
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'device-offline' });
  });

  it('is answered 202 with its address when nobody waits, or not long enough', async () => {
    const { id, device } = await ready(5);
    for (const waitSeconds of [undefined, 1]) {
      const options = waitSeconds === undefined ? {} : { waitSeconds };
      const { status, headers, body } = await deployment.operator.command(id, 'open', options);
      expect({ status, location: headers.get('location') }).toEqual({
        status: 202,
        location: `/v1/commands/${body.id}`,
      });
      await device.answer(await device.requestOf(body.id), 200, undefined);
      const after = await deployment.operator.commandUntil(body.id, ({ state }) => state === 'succeeded');
      expect(after.state).toBe('succeeded');
    }
  });

  it('that was cancelled stays so, and the answer that comes then is late', async () => {
    const { id, device } = await ready(5);
    const { body } = await deployment.operator.command(id, 'open');
    const request = await device.requestOf(body.id);
    const path = `/v1/commands/${body.id}`;
    expect(await deployment.operator.call('DELETE', path)).toMatchObject({
      status: 200,
      body: { state: 'cancelled' },
    });
    await device.answer(request, 200, undefined);
    const after = await deployment.operator.commandUntil(body.id, ({ late }) => late !== undefined);
    expect(after).toMatchObject({ state: 'cancelled', late: { status: 200 } });
    expect(await deployment.operator.call('DELETE', path)).toMatchObject({
      status: 409,
      body: { code: 'command-finished' },
    });
  });

  it('that is sent twice with one Idempotency-Key is one command, and with another body a conflict', async () => {
    const { id, device } = await ready(5);
    const idempotencyKey = `order-${id}`;
    const answers = await Promise.all(
      [1, 2].map(() => deployment.operator.command(id, 'open', { idempotencyKey })),
    );
    const [first = '', second] = answers.map(({ body }) => body.id);
    expect(second).toBe(first);
    const conflict = await deployment.operator.command(id, 'close', { idempotencyKey });
    expect(conflict).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } });
    const next = await deployment.operator.command(id, 'last');
    await device.requestOf(next.body.id);
    expect(device.requests.all.map(({ commandId }) => commandId)).toEqual([first, next.body.id]); // in order: a second `open` would be before `last`
  });

  it('is not answered by another device', async () => {
    const { id, device } = await ready(5);
    const stranger = await ready(4);
    const { body } = await deployment.operator.command(id, 'open');
    const request = await device.requestOf(body.id);
    await stranger.device.answer({ commandId: body.id, name: 'open', params: {} }, 200, undefined);
    expect(await deployment.operator.deadLettersUntil(stranger.id, 1)).toMatchObject([
      { code: 'response-wrong-device' },
    ]);
    await device.answer(request, 500, undefined);
    const after = await deployment.operator.commandUntil(body.id, ({ result }) => result !== undefined);
    expect(after).toMatchObject({ state: 'failed', result: { status: 500 } });
  });
}

function statesOf(command: CommandView): readonly string[] {
  return command.timeline.map(({ state }) => state);
}
