import { appended, type CommitLog, type LogPosition } from '@fieldgate/commit-log';
import {
  acknowledgementKey,
  alertIdOf,
  decodeAlertStep,
  encodeTableRow,
  openAlertKey,
  RULES_ROW_KEY,
  type Alert,
  type AlertStateRow,
} from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { AlertStates } from './alert-states.js';

const HOUR_MS = 3_600_000;
const TOPIC = 'fieldgate.alert-states.v1';
let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

function alert(deviceId: string, more: Partial<Alert> = {}): Alert {
  const { rule = 'too-hot', raisedAt = NOW - 60_000 } = more;
  return {
    id: alertIdOf(deviceId, rule, raisedAt),
    deviceId,
    rule,
    kind: 'threshold',
    severity: 'warning',
    text: `${deviceId}: temperature is 81.2, limit 80`,
    metric: 'temperature',
    value: 81.2,
    peak: 84,
    limit: 80,
    since: raisedAt - 120_000,
    raisedAt,
    receivedAt: raisedAt + 38,
    ...more,
  };
}

function cleared(open: Alert): Alert {
  return { ...open, clearedAt: open.raisedAt + 30_000, clearReason: 'condition' };
}

/** As the alerts group writes it; null: it was cleared. */
async function put(key: string, deviceId: string, row: AlertStateRow | null): Promise<void> {
  const value = row && encodeTableRow(TOPIC, { key, id: '1', atMs: NOW, data: row });
  const at = await appended(api.log.writer, { topic: TOPIC, key, partitionKey: deviceId, value });
  await api.get(AlertStates).table.reached(at);
}

const raise = (open: Alert): Promise<void> =>
  put(openAlertKey(open.deviceId, open.rule), open.deviceId, { kind: 'open', alert: open });
const clear = async (open: Alert): Promise<void> => {
  await put(openAlertKey(open.deviceId, open.rule), open.deviceId, null);
  api.store.keptAlerts.set(open.id, cleared(open));
};

async function ids(query = ''): Promise<string[]> {
  const { status, body } = await api.call(`GET /v1/alerts${query}`);
  expect(status).toBe(200);
  return (body as { alerts: { id: string }[] }).alerts.map(({ id }) => id); // the shape is what is tested
}

async function valuesOf(log: CommitLog, topic: 'fieldgate.alerts.v1' | typeof TOPIC): Promise<Uint8Array[]> {
  const values: Uint8Array[] = [];
  for (const { partition, earliest, end } of await log.reader.bounds(topic))
    for await (const { value } of log.reader.read(topic, { partition, from: earliest, to: end }))
      if (value) values.push(value);
  return values;
}

describe('GET /v1/alerts', () => {
  it('shows an open alert with everything it says', async () => {
    expect((await api.call('GET /v1/alerts')).body).toEqual({ alerts: [] });
    const open = alert('pump-7', { escalatedAt: NOW - 50_000 });
    await raise(open);
    const shown = {
      id: open.id,
      deviceId: 'pump-7',
      rule: 'too-hot',
      kind: 'threshold',
      severity: 'warning',
      state: 'open',
      text: 'pump-7: temperature is 81.2, limit 80',
      metric: 'temperature',
      value: 81.2,
      peak: 84,
      limit: 80,
      since: '2026-11-20T21:27:00.000Z',
      raisedAt: '2026-11-20T21:29:00.000Z',
      receivedAt: '2026-11-20T21:29:00.038Z',
      escalatedAt: '2026-11-20T21:29:10.000Z',
    };
    expect((await api.call('GET /v1/alerts')).body).toEqual({ alerts: [shown] });
    expect(await api.call(`GET /v1/alerts/${open.id}`)).toMatchObject({ status: 200, body: shown });
    await clear(open);
    const after = {
      ...shown,
      state: 'cleared',
      clearedAt: '2026-11-20T21:29:30.000Z',
      clearReason: 'condition',
    };
    expect((await api.call('GET /v1/alerts')).body).toEqual({ alerts: [after] });
    expect((await api.call(`GET /v1/alerts/${open.id}`)).body).toEqual(after);
  });

  it('has open ones of any age and those cleared that were raised in the last day, the newest raised first', async () => {
    const old = alert('pump-1', { raisedAt: NOW - 400 * HOUR_MS });
    const newer = alert('pump-2', { raisedAt: NOW - 2 * HOUR_MS, severity: 'critical' });
    const ended = alert('pump-1', { raisedAt: NOW - HOUR_MS, rule: 'silent' });
    const long = alert('pump-1', { raisedAt: NOW - 25 * HOUR_MS, rule: 'silent' });
    for (const open of [newer, old]) await raise(open);
    for (const over of [long, ended]) await clear(over);
    expect(await ids()).toEqual([ended, newer, old].map(({ id }) => id));
    expect(await ids('?limit=2')).toEqual([ended.id, newer.id]);
    expect(await ids('?state=open')).toEqual([newer.id, old.id]);
    expect(await ids('?state=acknowledged')).toEqual([]);
    expect(await ids('?state=cleared')).toEqual([ended.id]);
    expect(await ids('?device=pump-1')).toEqual([ended.id, old.id]);
    expect(await ids('?rule=silent')).toEqual([ended.id]);
    expect(await ids('?severity=critical')).toEqual([newer.id]);
    expect(await ids(`?from=${NOW - 30 * HOUR_MS}&to=${NOW - HOUR_MS}`)).toEqual([newer.id, long.id]);
    expect(api.store.alertQueries[0]).toEqual({
      state: 'cleared',
      fromMs: NOW - 24 * HOUR_MS,
      toMs: NOW + 300_000,
      limit: 100,
    });
  });

  it('shows an alert once that the store knows to be cleared before the table does', async () => {
    const open = alert('pump-7');
    await raise(open);
    api.store.keptAlerts.set(open.id, cleared(open));
    expect((await api.call('GET /v1/alerts')).body).toMatchObject({ alerts: [{ state: 'cleared' }] });
  });

  it('shows open ones also while the store is away', async () => {
    const open = alert('pump-7');
    await raise(open);
    api.store.away = true;
    expect(await ids('?state=open')).toEqual([open.id]);
    expect(await api.call('GET /v1/alerts')).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable' },
    });
  });

  it.each(['state=closed', 'device=-', 'rule=a%20b', 'severity=bad', 'limit=0', 'from=2&to=1', 'unknown=1'])(
    'refuses %s',
    async (query) => {
      expect(await api.call(`GET /v1/alerts?${query}`)).toMatchObject({ status: 422 });
    },
  );

  it.each(['nonsense', 'pump-7~too-hot~1', `${'x'.repeat(200)}`])('answers 404 for %s', async (id) => {
    for (const call of [`GET /v1/alerts/${id}`, `POST /v1/alerts/${id}/acknowledge`] as const)
      expect(await api.call(call)).toMatchObject({ status: 404, body: { code: 'alert-not-found' } });
  });
});

describe('POST /v1/alerts/{id}/acknowledge', () => {
  it('takes the longest id, and no body', async () => {
    const open = alert('d'.repeat(64), { rule: `event.${'e'.repeat(64)}` });
    await raise(open);
    expect(await api.call(`POST /v1/alerts/${open.id}/acknowledge`)).toMatchObject({
      status: 200,
      body: { state: 'acknowledged', acknowledged: { at: '2026-11-20T21:30:00.000Z', by: 'admin' } },
    });
    expect(await ids('?state=acknowledged')).toEqual([open.id]);
    expect(await ids('?state=open')).toEqual([]);
  });

  it('is in the log for everyone, once: the first one stays', async () => {
    const open = alert('pump-7');
    await raise(open);
    const call = `POST /v1/alerts/${open.id}/acknowledge` as const;
    const both = await Promise.all([
      api.call(call, { note: 'on my way' }),
      api.call(call, { note: 'me too' }),
    ]);
    api.clock.ms += 1_000;
    const again = await api.call(call, {});
    for (const { status, body } of [...both, again])
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({
          acknowledged: { at: '2026-11-20T21:30:00.000Z', by: 'admin', note: 'on my way' },
        }),
      ]);
    const acknowledgement = { alertId: open.id, at: NOW, by: 'admin', note: 'on my way' };
    expect((await valuesOf(api.log, 'fieldgate.alerts.v1')).map(decodeAlertStep)).toEqual([
      {
        id: `${open.id}~acknowledged`,
        writtenMs: NOW,
        step: { step: 'acknowledged', alert: open, acknowledgement },
      },
    ]);
    expect(api.get(AlertStates).table.get(acknowledgementKey('pump-7', 'too-hot'))).toEqual({
      kind: 'acknowledged',
      acknowledgement,
    });
  });

  it('stands in the partition of the device', async () => {
    for (const deviceId of ['pump-1', 'pump-2', 'pump-3', 'pump-4']) {
      const open = alert(deviceId);
      await raise(open);
      await api.call(`POST /v1/alerts/${open.id}/acknowledge`);
      const at: LogPosition | undefined = api
        .get(AlertStates)
        .table.positionOf(acknowledgementKey(deviceId, 'too-hot'));
      expect(at?.partition).toBe(api.log.reader.partitionOf(TOPIC, deviceId));
    }
  });

  it('counts for this alert only, not for the next one of the same device and rule', async () => {
    const first = alert('pump-7', { raisedAt: NOW - 2 * HOUR_MS });
    await raise(first);
    await api.call(`POST /v1/alerts/${first.id}/acknowledge`);
    await clear(first);
    const second = alert('pump-7');
    await raise(second);
    expect((await api.call(`GET /v1/alerts/${second.id}`)).body).toMatchObject({ state: 'open' });
    expect(await api.call(`POST /v1/alerts/${first.id}/acknowledge`)).toMatchObject({
      status: 409,
      body: { code: 'alert-cleared' },
    });
  });

  it('refuses a note that is too long, and what it does not know', async () => {
    const open = alert('pump-7');
    await raise(open);
    for (const body of [{ note: 'x'.repeat(1_001) }, { by: 'me' }, '{"note"'])
      expect((await api.call(`POST /v1/alerts/${open.id}/acknowledge`, body)).status).toBeGreaterThanOrEqual(
        400,
      );
    expect(await valuesOf(api.log, 'fieldgate.alerts.v1')).toEqual([]);
  });

  it('answers 503 while the log is away, and works afterwards', async () => {
    const open = alert('pump-7');
    await raise(open);
    api.log.goAway();
    expect(await api.call(`POST /v1/alerts/${open.id}/acknowledge`)).toMatchObject({
      status: 503,
      body: { code: 'log-unavailable' },
    });
    api.log.comeBack();
    expect((await api.call(`POST /v1/alerts/${open.id}/acknowledge`)).status).toBe(200);
  });
});

describe('GET /v1/alert-rules', () => {
  it('says that there are none', async () => {
    expect((await api.call('GET /v1/alert-rules')).body).toEqual({ rules: null });
  });

  it('shows those in force, since when, and why a newer file is not', async () => {
    const row = { kind: 'rules', text: 'version: 1\nrules: []\n', loadedAt: NOW } as const;
    await put(RULES_ROW_KEY, RULES_ROW_KEY, row);
    const shown = { rules: row.text, loadedAt: '2026-11-20T21:30:00.000Z' };
    expect((await api.call('GET /v1/alert-rules')).body).toEqual(shown);
    await put(RULES_ROW_KEY, RULES_ROW_KEY, { ...row, problem: 'rules.0.name: is missing' });
    expect((await api.call('GET /v1/alert-rules')).body).toEqual({
      ...shown,
      problem: 'rules.0.name: is missing',
    });
  });

  it('shows none, and why, when there never was a usable file', async () => {
    const row = { kind: 'rules', text: '', loadedAt: NOW, problem: 'line 1: broken' } as const;
    await put(RULES_ROW_KEY, RULES_ROW_KEY, row);
    expect((await api.call('GET /v1/alert-rules')).body).toEqual({
      rules: null,
      loadedAt: '2026-11-20T21:30:00.000Z',
      problem: 'line 1: broken',
    });
  });
});
