import { expect, it } from '@jest/globals';
import { alertIdOf, decodeAlertStep, encodeAlertStep, type Alert, type AlertStep } from './alert.js';
import { isRejection } from './errors.js';

const RAISED = 1_795_210_200_123;
const raised: Alert = {
  id: alertIdOf('pump-7', 'event.leak', RAISED),
  deviceId: 'pump-7',
  rule: 'event.leak',
  kind: 'condition',
  severity: 'info',
  text: 'pump-7: leak',
  event: 'leak',
  since: RAISED,
  raisedAt: RAISED,
  receivedAt: RAISED + 40,
};
const warned: Alert = { ...raised, severity: 'warning', escalatedAt: RAISED + 1_000 };
const critical: Alert = { ...raised, severity: 'critical', escalatedAt: RAISED + 2_000 };
const acknowledgement = { alertId: raised.id, at: RAISED + 3_000, by: 'admin' };

it.each<readonly [id: string, atMs: number, step: AlertStep]>([
  ['raised', 0, { step: 'raised', alert: raised }],
  ['escalated~warning', 1_000, { step: 'escalated', alert: warned }],
  ['escalated~critical', 2_000, { step: 'escalated', alert: critical }],
  ['acknowledged', 3_000, { step: 'acknowledged', alert: critical, acknowledgement }],
  [
    'cleared',
    4_000,
    { step: 'cleared', alert: { ...critical, clearedAt: RAISED + 4_000, clearReason: 'condition' } },
  ],
])('the step %s has an id and a time of its own, and is read as it was written', (id, atMs, step) => {
  const value = encodeAlertStep(step, RAISED + 5_000);
  const written = { id: `pump-7~event.leak~${RAISED}~${id}`, step, writtenMs: RAISED + 5_000 };
  expect(decodeAlertStep(value)).toEqual(written);
  const time = new Date(RAISED + atMs).toISOString();
  expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({ time, subject: 'pump-7' });
});

it('what is no step is refused', () => {
  const text = new TextDecoder().decode(encodeAlertStep({ step: 'raised', alert: raised }, RAISED));
  const value = new TextEncoder().encode(text.replace('"step":"raised"', '"step":"forgotten"'));
  expect(isRejection(decodeAlertStep(value))).toBe(true);
});
