import { appended } from '@fieldgate/commit-log';
import {
  deviceRecordSchema,
  encodeTableRow,
  FieldgateError,
  secretMatches,
  tableRows,
  type DeviceRecord,
} from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { DeviceTables } from './device-tables.js';
import { RegisterDevice } from './register-device.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

function record(id: string): DeviceRecord {
  return deviceRecordSchema.parse(api.get(DeviceTables).devices.get(id));
}

async function write(row: DeviceRecord): Promise<void> {
  const value = encodeTableRow('fieldgate.devices.v1', {
    key: row.id,
    id: row.creationId,
    atMs: NOW,
    data: row,
  });
  await appended(api.log.writer, { topic: 'fieldgate.devices.v1', key: row.id, value });
}

async function creations(id: string): Promise<readonly string[]> {
  const partition = api.log.reader.partitionOf('fieldgate.devices.v1', id);
  const found: string[] = [];
  for await (const { value } of api.log.reader.read('fieldgate.devices.v1', {
    partition,
    from: 0,
    to: 1000,
  })) {
    const row = tableRows('fieldgate.devices.v1', deviceRecordSchema)(value ?? Buffer.alloc(0));
    found.push(row?.creationId ?? 'unreadable');
  }
  return found;
}

describe('POST /v1/devices', () => {
  it('registers a device and shows its secret once', async () => {
    const answer = await api.call('POST /v1/devices', {
      id: 'pump-7',
      type: 'pump',
      labels: { site: 'berlin' },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/v1/devices/pump-7');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      id: 'pump-7',
      type: 'pump',
      labels: { site: 'berlin' },
      createdAt: '2026-11-20T21:30:00.000Z',
      updatedAt: '2026-11-20T21:30:00.000Z',
      secret: expect.stringMatching(/^[\w-]{32}$/),
    });
    const { secret } = answer.body as { secret: string }; // as just seen
    expect(secretMatches(secret, record('pump-7').secret)).toBe(true);
    expect((await api.call('GET /v1/devices/pump-7')).body).not.toHaveProperty('secret');
  });

  it('imports a secret and does not repeat it', async () => {
    const answer = await api.call('POST /v1/devices', { id: 'pump-7', secret: 'from-the-old-system' });
    expect(answer.status).toBe(201);
    expect(answer.body).not.toHaveProperty('secret');
    expect(secretMatches('from-the-old-system', record('pump-7').secret)).toBe(true);
  });

  it('answers 409 when the device exists, and changes nothing', async () => {
    await api.call('POST /v1/devices', { id: 'pump-7', type: 'pump' });
    const before = record('pump-7');
    const answer = await api.call('POST /v1/devices', { id: 'pump-7', type: 'valve' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'device-exists', status: 409 } });
    expect(record('pump-7')).toEqual(before);
  });

  it('registers many at once, each on its own', async () => {
    await api.call('POST /v1/devices', { id: 'b' });
    const answer = await api.call('POST /v1/devices', [{ id: 'a' }, { id: 'b' }, { id: 'a' }]);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual([
      expect.objectContaining({ id: 'a', secret: expect.any(String) }),
      { id: 'b', error: { code: 'device-exists', detail: 'registered already' } },
      { id: 'a', error: { code: 'device-exists', detail: 'registered already' } },
    ]);
  });

  it('makes no secret that a command line takes for options', async () => {
    const devices = Array.from({ length: 1_000 }, (_, index) => ({ id: `d-${index}` }));
    const { body } = await api.call('POST /v1/devices', devices);
    const secrets = (body as { secret: string }[]).map(({ secret }) => secret); // as registered
    expect(secrets.filter((secret) => !/^[A-Za-z0-9]/.test(secret))).toEqual([]);
  });

  it('answers 409 when all of many exist', async () => {
    await api.call('POST /v1/devices', [{ id: 'a' }, { id: 'b' }]);
    const answer = await api.call('POST /v1/devices', [{ id: 'a' }, { id: 'b' }]);
    expect(answer).toMatchObject({
      status: 409,
      body: {
        code: 'device-exists',
        results: [
          { id: 'a', error: {} },
          { id: 'b', error: {} },
        ],
      },
    });
  });

  it('shows the secrets of those that were registered although the log went away for others', async () => {
    const { writer } = api.log;
    const append = writer.append.bind(writer);
    writer.append = (record, settle) => {
      if (record.key !== 'b') return append(record, settle);
      queueMicrotask(() =>
        settle(new FieldgateError('log-unavailable', 'the leader is away'), undefined, record),
      );
      return true;
    };
    const answer = await api.call('POST /v1/devices', [{ id: 'a' }, { id: 'b' }]);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual([
      expect.objectContaining({ id: 'a', secret: expect.any(String) }),
      { id: 'b', error: { code: 'log-unavailable', detail: 'the leader is away' } },
    ]);
    expect(await api.call('POST /v1/devices', [{ id: 'a' }, { id: 'b' }])).toMatchObject({ status: 503 });
  });

  it('takes 1,000 devices and no more', async () => {
    const devices = Array.from({ length: 1001 }, (_, index) => ({ id: `device-${index}` }));
    const tooMany = await api.call('POST /v1/devices', devices);
    expect(tooMany).toMatchObject({
      status: 422,
      body: { errors: [{ message: 'at most 1000 devices at once' }] },
    });
    const created = await api.call('POST /v1/devices', devices.slice(1));
    expect(created.status).toBe(201);
    expect(created.body).toHaveLength(1000);
  });

  it('names everything that is wrong', async () => {
    const answer = await api.call('POST /v1/devices', [
      { id: 'fine' },
      { id: '-bad', secret: 'short', labels: { '1': 'x' }, color: 'red' },
    ]);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-request', status: 422 } });
    const { errors } = answer.body as { errors: { path: string }[] }; // as just seen
    expect(errors.map(({ path }) => path).toSorted()).toEqual(['1', '1.id', '1.labels.1', '1.secret']);
    expect(api.get(DeviceTables).devices.get('fine')).toBeUndefined();
  });

  it('gives way to another instance whose creation stands before its own in the log', async () => {
    const other = deviceRecordSchema.parse({
      id: 'pump-7',
      type: 'of-the-other-instance',
      secret: 'sha256$other$other',
      createdAt: NOW,
      updatedAt: NOW,
      creationId: 'other',
      secretVersion: 1,
    });
    // in the log first, and not yet in the table of this instance when it looks
    const [, mine] = await Promise.all([
      write(other),
      api.get(RegisterDevice).register({ id: other.id, labels: {}, type: 'mine' }),
    ]);
    expect(mine).toEqual({ kind: 'exists', id: 'pump-7' });
    expect(record('pump-7')).toEqual(other);
    expect(await creations('pump-7')).toEqual(['other', expect.not.stringMatching('other'), 'other']);
  });
});
