import { afterEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest } from './testing/api-under-test.js';

let api: ApiUnderTest;

afterEach(() => api.stop());

describe('before the tables have caught up', () => {
  it('every call answers 503, except without a key, and the readiness says why', async () => {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    api = new ApiUnderTest();
    await api.start(opened);

    const answer = await api.call('GET /v1/devices');
    expect(answer).toMatchObject({ status: 503, body: { code: 'not-ready' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await api.call('GET /v1/devices', undefined, { authorization: '' })).toMatchObject({
      status: 401,
    });
    expect(await api.call('GET /readyz')).toMatchObject({
      status: 503,
      body: { checks: { 'operator API: devices table': 'catching up with the log' } },
    });

    open();
    await api.ready();
    expect((await api.call('GET /v1/devices')).status).toBe(200);
    expect((await api.call('GET /readyz')).status).toBe(200);
  });

  it('can be stopped while the log is still away', async () => {
    api = new ApiUnderTest();
    await api.start(new Promise(() => undefined));
    await api.stop();
  });
});

it('knows after a restart what was registered before', async () => {
  const first = await (await new ApiUnderTest().start()).ready();
  await first.call('POST /v1/devices', [{ id: 'a' }, { id: 'b' }]);
  await first.stop();
  api = await (await new ApiUnderTest(first.log.restarted()).start()).ready();
  expect((await api.call('GET /v1/devices')).body).toMatchObject({ devices: [{ id: 'a' }, { id: 'b' }] });
});
