import { describe, expect, it } from '@jest/globals';
import { notificationSchema, type NotificationSettings } from '@fieldgate/alert-rules';
import type { AlertStep } from '@fieldgate/contracts';
import { acknowledged, cleared, escalated, raised } from '../testing/alert-steps.js';
import { SentAlerts, type Choice } from './sent-alerts.js';

const NOON = Date.parse('2026-06-01T12:00:00Z');
const MINUTE = 60_000;

function settings(more: object = {}): NotificationSettings {
  return notificationSchema.parse({ name: 'ops', webhook: { url: 'https://example.com/hook' }, ...more });
}

/** What is chosen for each step, when what is chosen is sent. */
function chosen(
  steps: readonly (readonly [AlertStep, number])[],
  more: object = {},
  sinksOf: (rule: string) => string[] | undefined = () => undefined,
): Choice[] {
  const sent = new SentAlerts(settings(more), sinksOf);
  return steps.map(([step, atMs]) => {
    const choice = sent.choose(step, { atMs });
    if (choice === 'send') sent.keep(step, { atMs });
    return choice;
  });
}

describe('what a sink sends', () => {
  it('is raised and cleared, and not what an operator did himself', () => {
    expect(
      chosen([
        [raised(), NOON],
        [acknowledged(), NOON],
        [cleared(), NOON],
      ]),
    ).toEqual(['send', 'skipped', 'send']);
  });

  it('is of its severities and rules', () => {
    const steps = [
      [raised({ severity: 'info' }), NOON],
      [raised({ rule: 'silent', raisedAt: 2 }), NOON],
      [raised({ raisedAt: 3 }), NOON],
    ] as const;
    expect(chosen(steps, { severities: ['critical'], rules: ['too-hot'] })).toEqual([
      'skipped',
      'skipped',
      'send',
    ]);
  });

  it('is of rules that name it, or name none', () => {
    const notify: Record<string, string[]> = { 'too-hot': ['mail'], silent: ['mail', 'ops'] };
    const steps = ['too-hot', 'silent', 'event.door-open'].map((rule) => [raised({ rule }), NOON] as const);
    expect(chosen(steps, {}, (rule) => notify[rule])).toEqual(['skipped', 'send', 'send']);
  });

  it('is no step twice, open or over', () => {
    const steps = [raised(), raised(), cleared(), cleared(), raised(), cleared(), raised({ raisedAt: 2 })];
    expect(chosen(steps.map((step) => [step, NOON] as const))).toEqual(
      ['send', 'skipped', 'send'].concat(['skipped', 'skipped', 'skipped', 'send']),
    );
  });

  it('is a step again that is only assumed to be sent, when it was driven again, also in quiet time', () => {
    const sent = new SentAlerts(settings({ quiet: '10m' }), () => undefined);
    sent.keep(raised(), { atMs: NOON, isAssumed: true });
    sent.keep(raised({ raisedAt: 2 }), { atMs: NOON });
    const choose = (step: AlertStep, isRedriven: boolean): Choice =>
      sent.choose(step, { atMs: NOON + MINUTE, isRedriven });
    expect([choose(raised(), false), choose(raised(), true)]).toEqual(['skipped', 'send']);
    expect([choose(raised({ raisedAt: 2 }), true)]).toEqual(['skipped']);
    sent.keep(cleared(), { atMs: NOON, isAssumed: true });
    expect([choose(cleared(), false), choose(cleared(), true)]).toEqual(['skipped', 'send']);
    sent.keep(raised(), { atMs: NOON });
    expect([choose(cleared(), false)]).toEqual(['send']);
  });

  const asWarning = raised({ severity: 'warning' });
  it.each([
    [
      'of all severities hears that it has become worse, once',
      undefined,
      ['send', 'send', 'skipped', 'send'],
    ],
    ['of the worse one hears of it then', ['critical'], ['skipped', 'send', 'skipped', 'send']],
    ['of the lesser one hears of its end', ['warning'], ['send', 'skipped', 'skipped', 'send']],
    ['of neither hears nothing', ['info'], ['skipped', 'skipped', 'skipped', 'skipped']],
  ])('a sink %s', (_, severities, expected) => {
    const steps = [asWarning, escalated(), escalated(), cleared()].map((step) => [step, NOON] as const);
    expect(chosen(steps, { quiet: '10m', ...(severities && { severities }) })).toEqual(expected);
  });

  it('is nothing of how bad it was when it is over', () => {
    const steps = [asWarning, cleared(), escalated()].map((step) => [step, NOON] as const);
    expect(chosen(steps)).toEqual(['send', 'send', 'skipped']);
  });

  it('is no end of an alert whose beginning was not sent', () => {
    expect(chosen([[cleared(), NOON]])).toEqual(['skipped']);
  });
});

describe('quiet time', () => {
  it('is of one device and rule, after each alert that was sent', () => {
    const steps = [
      [raised({ raisedAt: 1 }), NOON],
      [cleared({ raisedAt: 1 }), NOON + MINUTE],
      [raised({ raisedAt: 2 }), NOON + 2 * MINUTE],
      [raised({ deviceId: 'pump-8' }), NOON + 2 * MINUTE],
      [raised({ rule: 'silent' }), NOON + 2 * MINUTE],
      [raised({ raisedAt: 3 }), NOON + 10 * MINUTE],
      [raised({ raisedAt: 4 }), NOON + 19 * MINUTE],
    ] as const;
    expect(chosen(steps, { quiet: '10m' })).toEqual([
      'send',
      'send',
      'quiet',
      'send',
      'send',
      'send',
      'quiet',
    ]);
  });

  it('holds back nothing that is worse than what was sent', () => {
    const steps = [
      [raised({ raisedAt: 1, severity: 'warning' }), NOON],
      [cleared({ raisedAt: 1, severity: 'warning' }), NOON],
      [raised({ raisedAt: 2, severity: 'warning' }), NOON],
      [escalated({ raisedAt: 2 }), NOON + MINUTE],
      [cleared({ raisedAt: 2 }), NOON + 2 * MINUTE],
      [raised({ raisedAt: 3, severity: 'warning' }), NOON + 3 * MINUTE],
      [escalated({ raisedAt: 3 }), NOON + 3 * MINUTE],
    ] as const;
    expect(chosen(steps, { quiet: '10m' })).toEqual([
      'send',
      'send',
      'quiet',
      'send',
      'send',
      'quiet',
      'quiet',
    ]);
  });

  it('holds back no end of what was sent, and every end of what was not', () => {
    const steps = [
      [raised({ raisedAt: 1 }), NOON],
      [cleared({ raisedAt: 1 }), NOON + MINUTE],
      [cleared({ raisedAt: 1 }), NOON + MINUTE], // it comes again after a replay
      [raised({ raisedAt: 2 }), NOON + 2 * MINUTE],
      [cleared({ raisedAt: 2 }), NOON + 3 * MINUTE],
      [raised({ raisedAt: 3 }), NOON + 9 * MINUTE],
      [cleared({ raisedAt: 3 }), NOON + 30 * MINUTE], // the quiet time is long over
    ] as const;
    expect(chosen(steps, { quiet: '10m' })).toEqual([
      'send',
      'send',
      'skipped',
      'quiet',
      'skipped',
      'quiet',
      'skipped',
    ]);
  });

  it('by the clock does not hold back the end of what was sent before', () => {
    const quietHours = { from: '22:00', to: '07:00', timezone: 'UTC' };
    const evening = Date.parse('2026-06-01T21:59:00Z');
    const steps = [
      [raised({ raisedAt: 1 }), evening],
      [cleared({ raisedAt: 1 }), evening + 2 * MINUTE],
      [raised({ raisedAt: 2 }), evening + 3 * MINUTE],
      [cleared({ raisedAt: 2 }), evening + 4 * MINUTE],
    ] as const;
    expect(chosen(steps, { quietHours })).toEqual(['send', 'send', 'quiet', 'skipped']);
  });

  it('at night only what is excepted is sent, and no end in the morning of what was not', () => {
    const quietHours = { from: '22:00', to: '07:00', timezone: 'UTC', except: ['critical'] };
    const night = Date.parse('2026-06-01T23:00:00Z');
    const steps = [
      [raised({ severity: 'warning' }), night],
      [raised({ rule: 'silent' }), night],
      [cleared({ severity: 'warning' }), night + 10 * 60 * MINUTE],
      [cleared({ rule: 'silent' }), night + 10 * 60 * MINUTE],
    ] as const;
    expect(chosen(steps, { quietHours })).toEqual(['quiet', 'send', 'skipped', 'send']);
  });
});
