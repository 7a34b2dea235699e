import { describe, expect, it } from '@jest/globals';
import { notificationSchema } from './notification-settings.js';

const webhook = { url: 'https://example.com/hook' };
const email = { to: ['ops@example.com'], from: 'fieldgate@example.com' };
const quietHours = { from: '22:00', to: '07:00' };

describe('an entry of notifications', () => {
  it('has defaults, and its durations in milliseconds', () => {
    expect(notificationSchema.parse({ name: 'ops', webhook })).toEqual({
      name: 'ops',
      kind: 'webhook',
      webhook: { ...webhook, allowPrivate: false },
      quietMs: 0,
      maxAgeMs: 3_600_000,
      giveUpAfterMs: 3_600_000,
    });
    expect(
      notificationSchema.parse({ name: 'mail', email, quiet: '90s', maxAge: '2d', giveUpAfter: '10m' }),
    ).toMatchObject({ kind: 'email', email, quietMs: 90_000, maxAgeMs: 172_800_000, giveUpAfterMs: 600_000 });
  });

  it('has its quiet hours as minutes of the day', () => {
    const hours = { ...quietHours, timezone: 'Europe/Berlin', except: ['critical'] };
    expect(notificationSchema.parse({ name: 'ops', webhook, quietHours: hours }).quietHours).toEqual({
      fromMinute: 1_320,
      toMinute: 420,
      timezone: 'Europe/Berlin',
      except: ['critical'],
    });
  });

  it.each([
    ['neither webhook nor email', { webhook: undefined }, 'must have either webhook or email'],
    ['both', { email }, 'must have either webhook or email'],
    ['an unknown word', { weebhook: {} }, 'weebhook'],
    ['a name with a dot', { name: 'a.b' }, 'must be a letter or digit'],
    ['another scheme', { webhook: { url: 'ftp://example.com' } }, 'must be an http or https address'],
    ['no address', { webhook: { url: 'hook' } }, 'must be an http or https address'],
    ['a bare number', { quiet: '10' }, 'must be a duration'],
    ['a week of months', { maxAge: '31d' }, 'must not be longer than 30d'],
    ['an hour that is none', { quietHours: { ...quietHours, from: '24:00' } }, 'must be a time'],
    ['no time in between', { quietHours: { from: '07:00', to: '07:00' } }, 'must differ'],
    ['no such zone', { quietHours: { ...quietHours, timezone: 'Mars/Olympus' } }, 'must be a time zone'],
    ['no such severity', { severities: ['fatal'] }, 'severities'],
    [
      'a recipient with a second header',
      { webhook: undefined, email: { ...email, to: ['ops@example.com\r\nBcc: x@example.com'] } },
      'must be an e-mail address',
    ],
    ['no recipient', { webhook: undefined, email: { ...email, to: [] } }, 'to'],
  ])('with %s is refused', (_, more, says) => {
    const result = notificationSchema.safeParse({ name: 'ops', webhook, ...more });
    expect(JSON.stringify(result.error?.issues)).toContain(says);
  });
});
