import type { Command } from '@fieldgate/contracts';
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

describe('an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'order 66' };

  beforeEach(() => device.connect());

  it('makes the same request the same command, in each of its states', async () => {
    const id = await sent({ name: 'reboot', params: { a: 1, b: 2 } }, key);
    expect(await sent({ params: { b: 2, a: 1 }, name: 'reboot', mode: 'interactive' }, key)).toBe(id);
    await device.send(id);
    await device.succeed(id, 'done');
    const again = await api.call(SEND, { name: 'reboot', params: { a: 1, b: 2 } }, key);
    expect(again).toMatchObject({ status: 200, body: { id, state: 'succeeded' } });
    await device.disconnect();
    expect(await api.call(SEND, { name: 'reboot', params: { a: 1, b: 2 } }, key)).toMatchObject({
      status: 200,
    });
  });

  it('makes the same request one command also when both come at once', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => api.call(SEND, { name: 'reboot' }, key)));
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ timeline: [{ state: 'requested' }] });
  });

  it('answers 409 with another body, and is another key for another device', async () => {
    const id = await sent({ name: 'reboot' }, key);
    const answer = await api.call(SEND, { name: 'restart' }, key);
    expect(answer).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } });
    await api.call('POST /v1/devices', { id: 'pump-8' });
    await api.device('pump-8').connect();
    const other = await api.call('POST /v1/devices/pump-8/commands', { name: 'restart' }, key);
    expect(other.status).toBe(202);
    expect(idOf(other)).not.toBe(id);
  });
});

describe('GET /v1/commands', () => {
  beforeEach(() => device.connect());

  it('finds open commands, and finished ones that only the store still has', async () => {
    const open = await sent();
    const finished: Command = {
      id: 'an-old-one',
      deviceId: 'pump-7',
      name: 'reboot',
      params: {},
      mode: 'interactive',
      state: 'succeeded',
      ttlMs: 1000,
      timeoutMs: 1000,
      requestedAt: NOW - 1000,
      requestedBy: 'admin',
      bodyHash: 'x',
      timeline: [{ state: 'requested', at: NOW - 1000 }],
    };
    api.store.finished.set(finished.id, finished);
    api.store.finished.set('other', {
      ...finished,
      id: 'other',
      deviceId: 'pump-8',
      requestedAt: NOW - 2000,
    });

    expect(await ids('')).toEqual([open, 'an-old-one', 'other']);
    expect(await ids('?limit=1')).toEqual([open]);
    expect(await ids('?device=pump-7')).toEqual([open, 'an-old-one']);
    expect(await ids('?state=succeeded&device=pump-8')).toEqual(['other']);
    expect((await api.call('GET /v1/commands/an-old-one')).body).toMatchObject({ state: 'succeeded' });

    api.store.away = true;
    expect(await ids('?state=requested')).toEqual([open]);
    expect((await api.call(`GET /v1/commands/${open}`)).status).toBe(200);
    expect(await api.call('GET /v1/commands')).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable' },
    });
  });

  async function ids(query: string): Promise<string[]> {
    const { body } = await api.call(`GET /v1/commands${query}`);
    return (body as { commands: { id: string }[] }).commands.map(({ id }) => id); // the shape is what is tested
  }

  it('shows an answer that came too late', async () => {
    const id = await sent();
    await device.send(id);
    await device.step({ step: 'timed-out', commandId: id, deviceId: 'pump-7', at: NOW, detail: 'no answer' });
    await device.succeed(id, 'at last');
    expect((await api.call(`GET /v1/commands/${id}`)).body).toMatchObject({
      state: 'timed-out',
      late: { at: '2026-11-20T21:30:00.000Z', status: 200, body: 'at last' },
    });
  });

  it.each(['nothing', 'x'.repeat(65), 'a%20b'])('answers 404 for %s', async (id) => {
    expect(await api.call(`GET /v1/commands/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'command-not-found' },
    });
  });

  it.each(['?state=done', '?device=-', '?limit=0', '?unknown=1'])('refuses %s', async (query) => {
    expect(await api.call(`GET /v1/commands${query}`)).toMatchObject({ status: 422 });
  });
});

describe('DELETE /v1/commands/{id}', () => {
  beforeEach(() => device.connect());

  it('cancels, and wakes who waits', async () => {
    const requested = api.requested();
    const waiting = api.call(SEND, { name: 'reboot' }, { prefer: 'wait=10' });
    const { id } = await requested;
    expect(await api.call(`DELETE /v1/commands/${id}`)).toMatchObject({
      status: 200,
      body: { id, state: 'cancelled', timeline: [{}, { state: 'cancelled', detail: 'cancelled by admin' }] },
    });
    expect(await waiting).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await api.call(`DELETE /v1/commands/${id}`)).toMatchObject({
      status: 409,
      body: { code: 'command-finished' },
    });
  });

  it('answers 404 for an unknown command, and 503 while the log is away', async () => {
    expect(await api.call('DELETE /v1/commands/nothing')).toMatchObject({ status: 404 });
    const id = await sent();
    api.log.goAway();
    expect(await api.call(`DELETE /v1/commands/${id}`)).toMatchObject({
      status: 503,
      body: { code: 'log-unavailable' },
    });
  });
});
