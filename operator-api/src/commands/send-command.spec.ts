import { CommandsView } from '@fieldgate/commit-log';
import { GATEWAY_LOST_MS } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW, type Answer } from '../testing/api-under-test.js';
import type { SimulatedDevice } from '../testing/simulated-device.js';

const SEND = 'POST /v1/devices/pump-7/commands';
let api: ApiUnderTest;
let device: SimulatedDevice;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  await api.call('POST /v1/devices', { id: 'pump-7' });
  device = api.device('pump-7');
});

afterEach(() => api.stop());

/** The id of a command that was just accepted. */
async function sent(
  body: unknown = { name: 'reboot' },
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await api.call(SEND, body, headers);
  expect(answer.status).toBe(202);
  return idOf(answer);
}

function idOf(answer: Answer): string {
  return (answer.body as { id: string }).id; // every command has one
}

describe('POST /v1/devices/{id}/commands', () => {
  beforeEach(() => device.connect());

  it('answers 202 and where to look', async () => {
    const answer = await api.call(SEND, { name: 'set-speed', params: { rpm: 1200 }, timeoutSeconds: 5 });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`/v1/commands/${idOf(answer)}`);
    expect(answer.headers.get('preference-applied')).toBeNull();
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      deviceId: 'pump-7',
      name: 'set-speed',
      params: { rpm: 1200 },
      mode: 'interactive',
      state: 'requested',
      requestedAt: '2026-11-20T21:30:00.000Z',
      ttlSeconds: 30,
      timeoutSeconds: 5,
      timeline: [{ state: 'requested', at: '2026-11-20T21:30:00.000Z' }],
    });
  });

  it('is for the connection that was there when it was requested', async () => {
    const id = await sent();
    expect(api.get(CommandsView).get(id)).toMatchObject({
      forConnection: 'c1',
      requestedBy: 'admin',
      params: {},
    });
  });

  it('waits for the device when the caller prefers so, and answers 200 with its answer', async () => {
    const requested = api.requested();
    const waiting = api.call(SEND, { name: 'reboot' }, { prefer: 'wait=10' });
    const { id } = await requested;
    await device.send(id);
    await device.deliver(id);
    await device.progress(id);
    await device.succeed(id, { rebooted: true });
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('preference-applied')).toBe('wait=10');
    expect(answer.body).toMatchObject({
      id,
      state: 'succeeded',
      result: { status: 200, body: { rebooted: true } },
      timeline: [
        { state: 'requested' },
        { state: 'sent' },
        { state: 'delivered' },
        { state: 'in-progress', status: 102, body: { percent: 50 } },
        { state: 'succeeded', status: 200 },
      ],
    });
  });

  it.each([
    ['undeliverable', { detail: 'the device is not connected' }],
    ['expired', { detail: 'not sent within 30 s' }],
  ] as const)('answers 200 also when the command ends as %s', async (step, more) => {
    const requested = api.requested();
    const waiting = api.call(SEND, { name: 'reboot' }, { prefer: 'wait=10' });
    const { id } = await requested;
    await device.step({ step, commandId: id, deviceId: 'pump-7', at: NOW, ...more });
    expect(await waiting).toMatchObject({
      status: 200,
      body: { state: step, timeline: [{ state: 'requested' }, { state: step, ...more }] },
    });
  });

  it('answers 202 when the wait ends first', async () => {
    const answer = await api.call(SEND, { name: 'reboot' }, { prefer: 'wait=1' });
    expect(answer).toMatchObject({ status: 202, body: { state: 'requested' } });
    expect(answer.headers.get('preference-applied')).toBe('wait=1');
  });

  it('shows bodies as JSON, as text, as base64 or not at all', async () => {
    const bodies = [
      [{ encoding: 'json', json: [1, null] }, { body: [1, null] }],
      [{ encoding: 'text', text: 'fine' }, { body: 'fine' }],
      [{ encoding: 'base64', base64: '/wA=' }, { body: { base64: '/wA=' } }],
      [{ encoding: 'none' }, {}],
    ] as const;
    for (const [body, shown] of bodies) {
      const id = await sent();
      await device.send(id);
      await device.step({ step: 'failed', commandId: id, deviceId: 'pump-7', at: NOW, status: 503, body });
      const answer = await api.call(`GET /v1/commands/${id}`);
      expect(answer.body).toHaveProperty('result', { status: 503, ...shown });
    }
  });

  it.each([
    [{}, 'name'],
    [{ name: 'a/b' }, 'name'],
    [{ name: 'reboot', mode: 'durable' }, 'mode'],
    [{ name: 'reboot', ttlSeconds: 0 }, 'ttlSeconds'],
    [{ name: 'reboot', ttlSeconds: 400_000, timeoutSeconds: 204_800 }, 'ttlSeconds'],
    [{ name: 'reboot', timeoutSeconds: '30' }, 'timeoutSeconds'],
    [{ name: 'reboot', params: 'x'.repeat(65_535) }, 'params'],
    [{ name: 'reboot', color: 'red' }, ''],
    [[], ''],
  ])('refuses %j', async (body, path) => {
    const answer = await api.call(SEND, body);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-request', errors: [{ path }] } });
  });

  it('says about durable commands that they are not offered yet', async () => {
    const { body } = await api.call(SEND, { name: 'reboot', mode: 'durable' });
    expect(body).toHaveProperty('detail', expect.stringContaining('not offered yet'));
  });

  it.each([
    ['10,000 levels', `{"name":"a","params":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['1e400', '{"name":"a","params":{"x":1e400}}'],
  ])('refuses params with %s', async (_, body) => {
    expect(await api.call(SEND, body)).toMatchObject({ status: 422, body: { errors: [{ path: 'params' }] } });
  });

  it('keeps params as they are, whatever their names', async () => {
    const params = { constructor: 'a', prototype: 1, toString: null };
    const answer = await api.call(SEND, { name: 'reboot', params });
    expect(answer.body).toHaveProperty('params', params);
  });

  it('answers 404 for a device that is not registered', async () => {
    const answer = await api.call('POST /v1/devices/nobody/commands', { name: 'reboot' });
    expect(answer).toMatchObject({ status: 404, body: { code: 'device-not-found' } });
  });
});

describe('a device that cannot take a command', () => {
  async function refused(): Promise<string> {
    const answer = await api.call(SEND, { name: 'reboot' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'device-offline' } });
    return (answer.body as { detail: string }).detail; // as every problem has
  }

  it('has never connected, or not any more', async () => {
    expect(await refused()).toBe('"pump-7" is not connected');
    await device.connect();
    await device.disconnect();
    expect(await refused()).toBe('"pump-7" is not connected');
  });

  it('was on a gateway that is silent', async () => {
    await device.connect();
    api.monotonic.ms += GATEWAY_LOST_MS;
    expect(await refused()).toBe('"pump-7" is not connected');
  });

  it('is not subscribed to this command', async () => {
    await device.connect(['devices/pump-7/commands/+/restart']);
    expect(await refused()).toBe('"pump-7" is connected, but not subscribed to devices/pump-7/commands/#');
  });
});
