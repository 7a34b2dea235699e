import { expect, it } from '@jest/globals';
import { WatchedFleet } from './watched-fleet.js';

const now = (): number => Date.UTC(2026, 10, 20, 21, 30, 5);

function event(kind: string, device: string, data: unknown): { event: string; data: string } {
  return { event: kind, data: JSON.stringify({ subject: device, time: '2026-11-20T21:30:00.123Z', data }) };
}

it('shows the newest readings, the last event and the open alerts of each device', () => {
  const fleet = new WatchedFleet(now);
  fleet.take(event('telemetry', 'pump-7', { readings: { temperature: 70 } }));
  fleet.take(event('telemetry', 'pump-7', { readings: { temperature: 81, running: true } }));
  fleet.take(event('event', 'pump-7', { event: 'door-open', state: 'raised' }));
  const alert = { id: 'a', severity: 'critical', text: 'too hot' };
  fleet.take(event('alert', 'pump-7', { step: 'raised', alert }));
  const [head, , , row] = fleet.lines(20);
  expect(head).toContain('1 device heard of, 4 events');
  expect(row).toMatch(
    /^pump-7 +21:30:00.123 +2 +critical: too hot +door-open raised +temperature=81 running=true$/,
  );
  fleet.take(event('alert', 'pump-7', { step: 'cleared', alert }));
  expect(fleet.lines(20)[3]).not.toContain('too hot');
});

it('has devices with alerts first, and no more lines than there is room for', () => {
  const fleet = new WatchedFleet(now);
  for (let n = 0; n < 50; n++) fleet.take(event('telemetry', `pump-${n}`, { readings: { a: n } }));
  fleet.take(event('alert', 'zz', { step: 'raised', alert: { id: 'a', severity: 'info', text: 'x' } }));
  const lines = fleet.lines(10);
  expect(lines).toHaveLength(10);
  expect(lines[3]).toMatch(/^zz/);
});

it('says that it is not connected, for as long as it is not', () => {
  const fleet = new WatchedFleet(now);
  fleet.take(event('telemetry', 'pump-7', { readings: { temperature: 70 } }));
  expect(fleet.lines(20)[1]).toBe('');
  fleet.lost('no answer from http://127.0.0.1:8080');
  expect(fleet.lines(20)[1]).toBe(
    'Not connected since 21:30:05, trying again: no answer from http://127.0.0.1:8080',
  );
  expect(fleet.lines(20)).toHaveLength(4);
  fleet.connected();
  expect(fleet.lines(20)[1]).toBe('');
});

it.each(['nonsense', '{}', '{"subject":"a","time":"x","data":{"readings":3}}'])(
  'is not disturbed by %s',
  (data) => {
    const fleet = new WatchedFleet(now);
    for (const kind of ['telemetry', 'event', 'alert', 'command', 'gap']) fleet.take({ event: kind, data });
    expect(fleet.lines(10)[0]).toContain(' heard of');
  },
);
