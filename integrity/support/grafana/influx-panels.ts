import { expect } from '@jest/globals';
import { column, newestBy, only, rowsOf, sum, type Expectation } from './expectation.js';
import { inAllRounds, PUBLISHED } from './gateway-panels.js';
import {
  COMMANDED,
  DEVICES,
  EACH_ROUND,
  HOT_READINGS,
  READING_MS,
  ROUNDS,
  SENT,
  temperatures,
} from './lively-fleet.js';
import { expectRates, expectSame } from './raw-counters.js';

const ONLINE = DEVICES.length + 1;
/** How the commands have ended. */
const ENDED = Object.entries(SENT.commands).flatMap(([state, count]) =>
  Array.from({ length: count }, () => state),
);

export const FLEET_PANELS: Readonly<Record<string, Expectation>> = {
  'Devices online': ([online]) => expect(only(online)).toBe(ONLINE),
  'Telemetry messages per second': ([rate], seen) => {
    const counter = 'fieldgate_gateway_publishes_total{kind="telemetry"}';
    return expectRates(rate, { counter, by: [], risen: { '': PUBLISHED.telemetry } }, seen);
  },
  'Alerts open': ([open]) => expect(newestBy(open, 'severity')).toMatchObject(SENT.alertsOpen),
  'Furthest behind': ([lag]) => expect(only(lag)).toBe(0),
  'Messages by kind': ([rate], seen) => {
    const counter = 'fieldgate_gateway_publishes_total';
    return expectRates(rate, { counter, by: ['kind'], risen: PUBLISHED }, seen);
  },
  'Records stored': ([rate], seen) => {
    const { messages: telemetry } = inAllRounds({ messages: EACH_ROUND.messages });
    const risen = { telemetry, event: 'some', alert: 'some', command: 'some' } as const;
    return expectRates(rate, { counter: 'fieldgate_storage_records_total', by: ['kind'], risen }, seen);
  },
  'Refused since the start': ([codes, groups]) => {
    expect(newestBy(codes, 'code')).toMatchObject(SENT.refused);
    expect(groups).toEqual([]); // no group has refused a record: see dashboards-show-trouble
  },
  'Refusals by code': ([rate], seen) => {
    const counter = 'fieldgate_gateway_refused_total';
    return expectRates(rate, { counter, by: ['code'], risen: inAllRounds(EACH_ROUND.refused) }, seen);
  },
  'Consumer lag': async ([lag], seen) => {
    expect(newestBy(lag, 'group')).toMatchObject({ 'fieldgate.storage': 0, 'fieldgate.alerts': 0 });
    await expectSame(lag, { gauge: 'fieldgate_consumer_group_lag_records', by: ['group'], is: 'sum' }, seen);
  },
  'Alerts raised': ([raised]) => {
    const counts = Object.fromEntries(
      (raised ?? []).map(({ labels, rows }) => [labels['rule'], sum(rows.map(([, count]) => count))]),
    );
    expect(counts).toEqual(SENT.alertsRaised);
  },
  'Commands by final state': (states) => {
    const counted = states.map((answer) => sum(column(answer, 'count')));
    const { succeeded, rejected } = SENT.commands;
    expect(counted).toEqual([succeeded, 0, rejected, SENT.commands['timed-out'], 0, 0, 0]);
  },
  Ledger: (lines) => {
    const [received, acknowledged, refused, dropped, inLog, stored, ...others] = lines.map((line) =>
      Number(only(line)),
    );
    for (const counted of [received, acknowledged, refused]) expect(counted).toBeGreaterThanOrEqual(0); // of gateways: once a minute
    expect(inLog).toBeGreaterThanOrEqual(SENT.readings * DEVICES.length);
    expect(stored).toBeGreaterThanOrEqual(SENT.readings * DEVICES.length);
    const [_duplicates, _late, _missing, unaccounted] = others;
    expect([dropped, unaccounted]).toEqual([0, 0]);
  },
  'Newest alerts': ([alerts], { startMs, launchedMs, askedMs }) => {
    const rows = rowsOf(alerts);
    const tooHot = { rule: 'too-hot', severity: 'critical' };
    const [open, ...others] = rows.filter(({ device }) => device === 'pump.2');
    expect(others).toEqual([]);
    const raised = startMs + (SENT.readings - 1) * READING_MS;
    expect(open).toMatchObject({ ...tooHot, text: 'pump.2 is at 95', raised, cleared: null });
    expect(open?.['acknowledged']).toBeGreaterThan(launchedMs[1]);
    expect(open?.['acknowledged']).toBeLessThan(askedMs);
    const ofPump1 = rows.filter(({ device, rule }) => device === 'pump-1' && rule === 'too-hot');
    const spans = ofPump1.map((row) => ({
      severity: row['severity'],
      raised: row['raised'],
      cleared: row['cleared'],
    }));
    expect(spans).toEqual(
      HOT_READINGS.toReversed().map((n) => ({
        severity: 'critical',
        raised: startMs + n * READING_MS,
        cleared: startMs + (n + 1) * READING_MS,
      })),
    );
    const condition = rows.find(({ rule }) => rule === 'event.overheated');
    expect(condition).toMatchObject({ device: 'pump-1', severity: 'warning', cleared: null });
    expect(condition?.['raised']).toBeGreaterThan(launchedMs[1]); // it says no time of its own: the arrival
    expect(condition?.['raised']).toBeLessThan(askedMs);
    expect(rows).toHaveLength(ROUNDS + 2);
  },
  'Newest events': ([events]) => {
    const rows = rowsOf(events);
    for (const event of SENT.events)
      expect(rows).toContainEqual(expect.objectContaining({ device: 'pump-1', ...event }));
    const connected = rows.filter(({ event }) => event === 'connected').map(({ device }) => device);
    expect(connected).toEqual(expect.arrayContaining([...DEVICES, COMMANDED]));
  },
};

/** Shown for `device`, the one that is chosen above. */
export const DEVICE_PANELS: Readonly<Record<string, (device: string) => Expectation>> = {
  'Last values':
    (device) =>
    ([last]) => {
      const [row] = rowsOf(last);
      expect(rowsOf(last)).toHaveLength(device === COMMANDED ? 0 : 1);
      if (isPump(device))
        expect(row).toMatchObject({
          last_temperature: temperatures(device).at(-1),
          ...(device === 'pump-1' ? { last_pressure: 1.5 } : {}),
        });
    },
  Metrics:
    (device) =>
    ([mean]) => {
      expect(column(mean, 'mean_temperature')).toEqual(isPump(device) ? temperatures(device) : []); // a point each: they are a second apart
      expect(column(mean, 'mean_pressure')).toHaveLength(device === 'pump-1' ? SENT.readings : 0);
    },
  Flags:
    (device) =>
    ([flags]) =>
      expect(column(flags, 'last_running')).toEqual(
        device === 'pump-1' ? Array.from({ length: SENT.readings }, (_, n) => n % 2 === 0) : [],
      ),
  Readings:
    (device) =>
    ([count]) =>
      expect(sum(column(count, 'count_temperature'))).toBe(isPump(device) ? SENT.readings : 0),
  Texts:
    (device) =>
    ([texts]) =>
      expect(column(texts, 'mode')).toEqual(
        device === 'pump-1'
          ? Array.from({ length: SENT.readings }, (_, n) => `mode-${SENT.readings - 1 - n}`)
          : [],
      ),
  Events:
    (device) =>
    ([events]) => {
      const names = column(events, 'event').filter((name) => name !== 'disconnected');
      expect(names.map(String).toSorted()).toEqual([
        ...Array.from({ length: device === 'pumpX2' ? ROUNDS + 1 : 1 }, () => 'connected'),
        ...(device === 'pump-1' ? [...Array.from({ length: ROUNDS - 1 }, () => 'door'), 'overheated'] : []),
      ]);
    },
  Alerts:
    (device) =>
    ([alerts]) => {
      const tooHot = Array.from({ length: ROUNDS }, () => 'too-hot');
      const raised = { 'pump-1': ['event.overheated'].concat(tooHot), 'pump.2': ['too-hot'] }[device] ?? [];
      expect(column(alerts, 'rule').map(String).toSorted()).toEqual(raised);
    },
  Commands:
    (device) =>
    ([commands]) => {
      expect(column(commands, 'state').map(String).toSorted()).toEqual(
        device === COMMANDED ? ENDED.toSorted() : [],
      );
      const names = column(commands, 'record').map(
        (record) => (JSON.parse(String(record)) as { name: string }).name,
      ); // our own record
      expect(names.toSorted()).toEqual(
        device === COMMANDED
          ? ENDED.map((state) => (state === 'timed-out' ? 'open' : 'reboot')).toSorted()
          : [],
      );
    },
};

function isPump(device: string): device is (typeof DEVICES)[number] {
  return DEVICES.some((id) => id === device);
}
