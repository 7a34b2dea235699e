import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseBody } from './json-only.js';
import { ADMIN_KEY, ApiUnderTest } from '../testing/api-under-test.js';

describe('a body', () => {
  it.each([
    ['', undefined],
    ['{"a":[1,"ü\uFFFD"]}', { a: [1, 'ü\uFFFD'] }],
    ['\uFEFF{"a":1}', { a: 1 }],
    ['{"constructor":"Ford","proto":{"prototype":1}}', { constructor: 'Ford', proto: { prototype: 1 } }],
    ['{"constructor":{"name":"Ford"}}', { constructor: { name: 'Ford' } }],
  ])('%j is %j', (text, value) => {
    expect(parseBody(Buffer.from(text))).toEqual(value);
  });

  it.each([
    ['{"a":"\xff"}', 'the body is not valid UTF-8'],
    ['{"a":', 'the body is not the JSON that its headers announce'],
    [' ', 'the body is not the JSON that its headers announce'],
    ['{"a":[{"__proto__":1}]}', 'the body has a member "__proto__", which is not allowed'],
    ['{"\\u005f_proto__":{}}', 'the body has a member "__proto__", which is not allowed'],
    [
      '{"constructor":{"prototype":{}}}',
      'the body has a member "constructor" with a "prototype", which is not allowed',
    ],
  ])('%j is refused: %s', (text, detail) => {
    expect(() => parseBody(Buffer.from(text, 'latin1'))).toThrow(
      expect.objectContaining({ code: 'invalid-request', status: 400, message: detail }),
    );
  });
});

describe('the API', () => {
  let api: ApiUnderTest;

  beforeEach(async () => {
    api = await (await new ApiUnderTest().start()).ready();
    await api.call('POST /v1/devices', { id: 'pump-7' });
  });

  afterEach(() => api.stop());

  it('refuses text that is not UTF-8 instead of storing something else', async () => {
    const answer = await fetch(`${api.url}/v1/devices/pump-7`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: Buffer.from('{"labels":{"site":"M\xfcnchen"}}', 'latin1'),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'invalid-request',
      detail: 'the body is not valid UTF-8',
    });
  });

  it('names the member that it does not take', async () => {
    const answer = await api.call('POST /v1/devices', '{"id":"a","__proto__":{"x":1}}');
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('"__proto__"') } });
  });

  it('takes a merge patch under its own type', async () => {
    const type = { 'content-type': 'application/merge-patch+json; charset=utf-8' };
    const answer = await api.call('PATCH /v1/devices/pump-7', { type: 'pump' }, type);
    expect(answer).toMatchObject({ status: 200, body: { type: 'pump' } });
  });
});
