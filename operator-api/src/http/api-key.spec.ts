import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { ApiUnderTest } from '../testing/api-under-test.js';

const NO_KEY = { authorization: '' };
let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('without the key', () => {
  it.each([
    ['malformed JSON', 'POST /v1/devices', '{"id":'],
    ['a body of more than 1 MiB', 'POST /v1/devices', `"${'x'.repeat(1_100_000)}"`],
    ['another spelling of the address', 'GET /%761/devices', undefined],
    ['an address that does not exist', 'POST /v1/nothing', '{'],
    ['the root', 'GET /v1', undefined],
  ] as const)('%s is answered with 401', async (_, call, body) => {
    const answer = await api.call(call, body, NO_KEY);
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="fieldgate"');
  });

  it('no body is waited for', async () => {
    const announced = { 'content-type': 'application/json', 'content-length': 1000 };
    const sending = request(`${api.url}/v1/devices`, { method: 'POST', headers: announced });
    sending.flushHeaders();
    const [answer] = (await once(sending, 'response')) as [IncomingMessage]; // what node:http says
    expect(answer.statusCode).toBe(401);
    sending.once('error', () => undefined).destroy(); // the body never comes
  });
});
