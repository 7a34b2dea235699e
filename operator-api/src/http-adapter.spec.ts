import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { ApiUnderTest } from './testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('what is no request that can be routed', () => {
  /** Bytes by hand, and all that comes back until the server closes. */
  async function answerTo(bytes: string): Promise<{ head: string; problem: unknown }> {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    return { head, problem: JSON.parse(body) };
  }

  it.each([
    ['a URL of 20 kB', `GET /v1/devices?x=${'x'.repeat(20_000)} HTTP/1.1\r\n`, 431, /16 KiB/],
    ['a method that HTTP does not know', 'FETCH /v1/devices HTTP/1.1\r\n\r\n', 400, /method/],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\r\n\r\n', 400, /HTTP/],
  ])('%s is answered as a problem', async (_, bytes, status, detail) => {
    const { head, problem } = await answerTo(bytes);
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(head).toContain('content-type: application/problem+json; charset=utf-8');
    expect(problem).toMatchObject({ status, code: 'invalid-request', detail: expect.stringMatching(detail) });
  });
});

describe('an address that has other methods', () => {
  it.each([
    ['PUT /v1/devices', 'GET, HEAD, POST'],
    ['POST /v1/devices/pump-7?x=/', 'DELETE, GET, HEAD, PATCH'],
    ['PROPFIND /v1/events', 'GET, HEAD'],
    ['PURGE /livez', 'GET, HEAD'],
  ] as const)('%s is answered with 405 and Allow: %s', async (call, allow) => {
    const answer = await api.call(call);
    expect(answer).toMatchObject({ status: 405, body: { status: 405, code: 'invalid-request' } });
    expect(answer.headers.get('allow')).toBe(allow);
  });
});
