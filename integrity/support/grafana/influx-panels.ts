import { expect } from '@jest/globals';
import {
  column,
  expectAbout,
  countBy,
  expectRisen,
  newestBy,
  only,
  rowsOf,
  sum,
  type Expectation,
} from './expectation.js';
import { COMMANDED, DEVICES, SENT, temperatures } from './lively-fleet.js';

const ONLINE = DEVICES.length + 1;
const ALERT_COLUMNS = { raised: expect.any(Number), cleared: null };

export const FLEET_PANELS: Readonly<Record<string, Expectation>> = {
  'Devices online': ([online]) => expect(only(online)).toBe(ONLINE),
  'Telemetry messages per second': ([rate]) =>
    expectAbout(
      sum((rate ?? []).flatMap(({ rows }) => rows.map(([, value]) => value))),
      SENT.messages + SENT.refused['payload-not-json'],
    ),
  'Alerts open': ([open]) => expect(newestBy(open, 'severity')).toMatchObject(SENT.alertsOpen),
  'Furthest behind': ([lag]) => expect(only(lag)).toBe(0),
  'Messages by kind': ([rate]) => {
    const counts = countBy(rate, 'kind');
    expectAbout(counts['telemetry'], SENT.messages + SENT.refused['payload-not-json']);
    expectAbout(counts['event'], SENT.events.length);
    expectAbout(counts['other'], SENT.refused['topic-unknown']);
  },
  'Records stored': ([rate]) => expectRisen(rate, 'kind', ['telemetry', 'event', 'alert', 'command']),
  'Refused since the start': ([codes, groups]) => {
    expect(newestBy(codes, 'code')).toMatchObject(SENT.refused);
    expect(groups).toEqual([]); // no group has refused a record
  },
  'Refusals by code': ([rate]) => expectRisen(rate, 'code', Object.keys(SENT.refused)),
  'Consumer lag': ([lag]) =>
    expect(newestBy(lag, 'group')).toMatchObject({ 'fieldgate.storage': 0, 'fieldgate.alerts': 0 }),
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
  'Newest alerts': ([alerts]) => {
    const rows = rowsOf(alerts);
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          device: 'pump.2',
          rule: 'too-hot',
          severity: 'critical',
          text: 'pump.2 is at 95',
          ...ALERT_COLUMNS,
          acknowledged: expect.any(Number),
        }),
        expect.objectContaining({
          device: 'pump-1',
          rule: 'too-hot',
          severity: 'critical',
          raised: expect.any(Number),
          cleared: expect.any(Number),
        }),
        expect.objectContaining({
          device: 'pump-1',
          rule: 'event.overheated',
          severity: 'warning',
          ...ALERT_COLUMNS,
        }),
      ]),
    );
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
        'connected',
        ...(device === 'pump-1' ? ['door', 'overheated'] : []),
      ]);
    },
  Alerts:
    (device) =>
    ([alerts]) => {
      const raised = { 'pump-1': ['event.overheated', 'too-hot'], 'pump.2': ['too-hot'] }[device] ?? [];
      expect(column(alerts, 'rule').map(String).toSorted()).toEqual(raised);
    },
  Commands:
    (device) =>
    ([commands]) => {
      expect(column(commands, 'state').map(String).toSorted()).toEqual(
        device === COMMANDED ? ['rejected', 'succeeded', 'succeeded', 'timed-out'] : [],
      );
      const names = column(commands, 'record').map(
        (record) => (JSON.parse(String(record)) as { name: string }).name,
      ); // our own record
      expect(names.toSorted()).toEqual(device === COMMANDED ? ['open', 'reboot', 'reboot', 'reboot'] : []);
    },
};

function isPump(device: string): device is (typeof DEVICES)[number] {
  return DEVICES.some((id) => id === device);
}
