import { appended } from '@fieldgate/commit-log';
import { encodeDeadLetter, type ErrorCode } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest } from '../testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

async function refuse(
  deviceId: string,
  id: string,
  code: ErrorCode,
  payload = Buffer.from('{"a":'),
): Promise<string> {
  api.clock.ms += 1000;
  const value = encodeDeadLetter({
    deviceId,
    id,
    code,
    detail: `because of ${id}`,
    origin: { kind: 'mqtt', topic: `devices/${deviceId}/telemetry`, qos: 1 },
    payload,
    atMs: api.clock.ms,
    gatewayId: 'gw-1',
  });
  const at = await appended(api.log.writer, { topic: 'fieldgate.dead-letters.v1', key: deviceId, value });
  return `${at.partition}-${at.offset}`;
}

async function details(query: string): Promise<{ details: string[]; next?: string }> {
  const { status, body } = await api.call(`GET /v1/dead-letters${query}`);
  expect(status).toBe(200);
  const { deadLetters, ...rest } = body as { deadLetters: { detail: string }[]; next?: string }; // the shape is what is tested
  return { details: deadLetters.map(({ detail }) => detail), ...rest };
}

describe('GET /v1/dead-letters', () => {
  it('is empty when nothing was refused', async () => {
    expect((await api.call('GET /v1/dead-letters')).body).toEqual({ deadLetters: [] });
  });

  it('lists them over all partitions, the newest first', async () => {
    const id = await refuse('pump-1', '1', 'payload-not-json');
    for (const n of [2, 3, 4, 5, 6]) await refuse(`pump-${n}`, String(n), 'payload-shape');
    expect((await details('')).details).toEqual([6, 5, 4, 3, 2, 1].map((n) => `because of ${n}`));
    const { body } = await api.call('GET /v1/dead-letters?device=pump-1');
    expect(body).toEqual({
      deadLetters: [
        {
          id,
          deviceId: 'pump-1',
          time: '2026-11-20T21:30:01.000Z',
          gateway: 'gw-1',
          code: 'payload-not-json',
          detail: 'because of 1',
          origin: { kind: 'mqtt', topic: 'devices/pump-1/telemetry', qos: 1 },
          payloadBytes: 5,
        },
      ],
    });
  });

  it('filters by code and goes on page by page, whatever comes in between', async () => {
    for (let n = 0; n < 700; n++)
      await refuse(`pump-${n % 7}`, String(n), n % 2 === 0 ? 'payload-shape' : 'metric-name');
    const seen: string[] = [];
    let next: string | undefined = '';
    while (next !== undefined) {
      const page = await details(`?code=metric-name&limit=60${next === '' ? '' : `&before=${next}`}`);
      seen.push(...page.details);
      next = page.next;
      await refuse('pump-0', 'newer', 'metric-name');
    }
    expect(seen).toEqual(Array.from({ length: 350 }, (_, index) => `because of ${699 - 2 * index}`));
  });

  it('shows one with its bytes', async () => {
    const text = await refuse('pump-1', '1', 'payload-not-json');
    expect((await api.call(`GET /v1/dead-letters/${text}`)).body).toMatchObject({
      id: text,
      detail: 'because of 1',
      payloadBase64: 'eyJhIjo=',
      payloadText: '{"a":',
    });
    const bytes = await refuse('pump-1', '2', 'payload-not-utf8', Buffer.from([0xff, 0x00]));
    const { body } = await api.call(`GET /v1/dead-letters/${bytes}`);
    expect(body).toMatchObject({ id: bytes, payloadBase64: '/wA=', payloadBytes: 2 });
    expect(body).not.toHaveProperty('payloadText');
  });

  it.each(['0-0', '99-0', '0-999999999999999', 'nonsense', '0-', '-1'])('answers 404 for %s', async (id) => {
    expect(await api.call(`GET /v1/dead-letters/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  it.each(['limit=0', 'before=x', 'device=-', 'unknown=1'])('refuses %s', async (query) => {
    expect(await api.call(`GET /v1/dead-letters?${query}`)).toMatchObject({ status: 422 });
  });
});
