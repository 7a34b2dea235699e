import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { FieldgateError } from '@fieldgate/contracts';
import type { Logger } from '@fieldgate/service';
import type { ArgumentsHost } from '@nestjs/common';
import { ApiUnderTest } from '../testing/api-under-test.js';
import { ProblemJsonFilter } from './problem-json.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('what goes wrong', () => {
  it.each([
    ['an unknown address', 'GET /v1/nothing', undefined, {}, 404, 'not-found'],
    ['a method of other addresses', 'PUT /v1/devices', '{', {}, 405, 'invalid-request'],
    ['a malformed URL', 'GET /v1/devices/%', undefined, {}, 400, 'invalid-request'],
    ['a very long id', `GET /v1/devices/${'x'.repeat(201)}`, undefined, {}, 414, 'invalid-request'],
    ['malformed JSON', 'POST /v1/devices', '{"id":', {}, 400, 'invalid-request'],
    ['an empty JSON body', 'POST /v1/devices', '', {}, 422, 'invalid-request'],
    [
      'a merge patch that is no PATCH',
      'POST /v1/devices',
      '{"id":"a"}',
      { 'content-type': 'application/merge-patch+json' },
      415,
      'invalid-request',
    ],
    [
      'another content type',
      'POST /v1/devices',
      'id: a',
      { 'content-type': 'text/yaml' },
      415,
      'invalid-request',
    ],
    [
      'a form',
      'POST /v1/devices',
      'id=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'invalid-request',
    ],
    ['no body', 'POST /v1/devices', undefined, {}, 422, 'invalid-request'],
    [
      'a body of 1 MiB and more',
      'POST /v1/devices',
      `"${'x'.repeat(1_048_576)}"`,
      {},
      413,
      'request-too-large',
    ],
    [
      '100,000 levels',
      'POST /v1/devices',
      '['.repeat(100_000) + ']'.repeat(100_000),
      {},
      422,
      'invalid-request',
    ],
    ['no key', 'GET /v1/devices', undefined, { authorization: '' }, 401, 'unauthorized'],
    ['a wrong key', 'GET /v1/devices', undefined, { authorization: 'Bearer wrong' }, 401, 'unauthorized'],
    ['another scheme', 'GET /v1/devices', undefined, { authorization: 'Basic YTpi' }, 401, 'unauthorized'],
  ] as const)('%s is answered as a problem', async (_, request, body, headers, status, code) => {
    const answer = await api.call(request, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({
      status,
      code,
      title: expect.any(String),
      detail: expect.any(String),
    });
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer realm="fieldgate"' : null);
  });

  it('of our own making says nothing of its cause, and which line of the log to look for', async () => {
    api.store.events = () => Promise.reject(new Error('the secret cause'));
    const answer = await api.call('GET /v1/events');
    expect(answer).toMatchObject({
      status: 500,
      body: { code: 'internal-error', requestId: expect.stringMatching(/^[\w-]{36}$/) },
    });
    expect(JSON.stringify(answer.body)).not.toContain('secret cause');
  });

  it('points at a list of issues only where there is one', async () => {
    const wrong = await api.call('POST /v1/devices', { id: '-' });
    expect(wrong.body).toMatchObject({
      todo: 'See the list of issues in the answer.',
      errors: [{ path: 'id' }],
    });
    const malformed = await api.call('POST /v1/devices', '{');
    expect(malformed.body).toMatchObject({ code: 'invalid-request' });
    expect(malformed.body).not.toHaveProperty('todo');
  });

  it('does not repeat a secret that stands in malformed JSON', async () => {
    const answer = await api.call('POST /v1/devices', '{"id":"a","secret":hunter2-hunter2-hunter2}');
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });
});

it('leaves the health routes open', async () => {
  expect(await api.call('GET /livez', undefined, { authorization: '' })).toMatchObject({ status: 200 });
  expect(await api.call('GET /readyz', undefined, { authorization: '' })).toMatchObject({ status: 200 });
});

it('measures requests by route template, never by what stands in the path', async () => {
  await api.call('GET /v1/devices/very-special-device');
  await api.call('GET /v1/unheard-of');
  const metrics = await register.metrics();
  expect(metrics).toContain(
    'fieldgate_http_request_duration_seconds_count{method="GET",route="/v1/devices/:id",status="404"}',
  );
  expect(metrics).not.toContain('very-special-device');
  expect(metrics).not.toContain('unheard-of');
});

it('why the store did not answer is in the log, once a minute: the caller is not told', () => {
  const said: unknown[] = [];
  const logger = { warn: (fields: unknown, line: string) => said.push([fields, line]) } as unknown as Logger;
  const clock = { at: 0, now: () => clock.at };
  const filter = new ProblemJsonFilter(logger, clock);
  const reply = { sent: true };
  const http = { getRequest: () => ({}), getResponse: () => reply };
  const host = { getType: () => 'http', switchToHttp: () => http } as unknown as ArgumentsHost; // all that is asked of it
  const cause = new Error('a bad block');
  const error = new FieldgateError('store-unavailable', 'the store could not answer', { cause });
  filter.catch(error, host);
  filter.catch(error, host);
  expect(said).toEqual([[{ err: cause }, 'request not answered by the store']]);
  clock.at = 60_000;
  filter.catch(error, host);
  expect(said).toHaveLength(2);
});
