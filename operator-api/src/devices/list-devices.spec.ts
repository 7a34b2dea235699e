import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest } from '../testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('GET /v1/devices', () => {
  beforeEach(async () => {
    await api.call('POST /v1/devices', [
      { id: 'a', labels: { site: 'berlin', line: '1' } },
      { id: 'c', labels: { site: 'berlin' } },
      { id: 'b', labels: { site: 'oslo' } },
      { id: 'd' },
    ]);
  });

  async function ids(query: string): Promise<{ ids: string[]; nextCursor?: string }> {
    const { status, body } = await api.call(`GET /v1/devices${query}`);
    expect(status).toBe(200);
    const { devices, ...rest } = body as { devices: { id: string }[]; nextCursor?: string }; // the shape is what is tested
    return { ids: devices.map(({ id }) => id), ...rest };
  }

  it('pages by id', async () => {
    const first = await ids('?limit=3');
    expect(first.ids).toEqual(['a', 'b', 'c']);
    expect(await ids(`?limit=3&cursor=${first.nextCursor}`)).toEqual({ ids: ['d'] });
  });

  it('filters by labels', async () => {
    expect((await ids('?label=site')).ids).toEqual(['a', 'b', 'c']);
    expect((await ids('?label=site:berlin')).ids).toEqual(['a', 'c']);
    expect((await ids('?label=site:berlin&label=line:1')).ids).toEqual(['a']);
    expect((await ids('?label=toString')).ids).toEqual([]);
  });

  it('filters by who is connected', async () => {
    await api.device('c').connect();
    expect((await ids('?online=true')).ids).toEqual(['c']);
    expect((await ids('?online=false')).ids).toEqual(['a', 'b', 'd']);
  });

  it('sees devices that have come and gone since', async () => {
    await ids('');
    await api.call('POST /v1/devices', { id: 'aa' });
    await api.call('DELETE /v1/devices/b');
    expect((await ids('')).ids).toEqual(['a', 'aa', 'c', 'd']);
  });

  it.each(['?limit=0', '?limit=1001', '?online=yes', '?label=:x', '?cursor=%20', '?unknown=1'])(
    'refuses %s',
    async (query) => {
      const answer = await api.call(`GET /v1/devices${query}`);
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
    },
  );
});
