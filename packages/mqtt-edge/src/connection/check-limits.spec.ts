import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { GivenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage } from '../testing/packets.js';
import { checkLimits, LIMIT_RANGES } from './check-limits.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { PacketType } from '../codec/packet.js';
import { SessionState } from './session-state.js';

it.each<[Partial<Limits>, string]>([
  [{ receiveMaximum: 100_000 }, 'receiveMaximum is 100000: it must be a whole number from 1 to 65535'],
  [{ receiveMaximum: 0 }, 'receiveMaximum is 0: it must be a whole number from 1 to 65535'],
  [{ topicAliasMaximum: 70_000 }, 'topicAliasMaximum is 70000: it must be a whole number from 0 to 65535'],
  [
    { queueMaximumBytes: Infinity },
    'queueMaximumBytes is Infinity: it must be a whole number from 1 to 4294967295',
  ],
  [
    { connectTimeoutMs: Number.NaN },
    'connectTimeoutMs is NaN: it must be a whole number from 1 to 4294967295',
  ],
  [{ sendMaximum: undefined }, 'sendMaximum is undefined: it must be a whole number from 1 to 65535'],
])('takes no connection with %j, and says why', (limits, message) => {
  expect(() => checkLimits({ ...DEFAULT_LIMITS, ...limits })).toThrow(new RangeError(message));
  expect(() => new GivenConnection({ limits, session: new SessionState(DEFAULT_LIMITS) })).toThrow(message);
});

it.each(['least', 'most'] as const)('lets MQTT 5 clients in with the %s of every limit', async (which) => {
  const at = which === 'least' ? 0 : 1;
  const limits = Object.fromEntries(Object.entries(LIMIT_RANGES).map(([name, range]) => [name, range[at]]));
  const given = new GivenConnection({ limits });
  given.client.send(aConnect({ clientId: '' }));
  expect(await given.client.take(PacketType.connack)).toMatchObject({ reasonCode: 0 });
});

it('names the range of every limit in the README', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const said = [...readme.matchAll(/^\| `(\w+)` +\| [^|]+\| ([\d,]+) to ([\d,]+) +\|/gm)].map(
    ([, name, ...range]) => [name, range.map((text) => Number(text.replaceAll(',', '')))],
  );
  expect(Object.fromEntries(said)).toEqual(LIMIT_RANGES);
});

it('holds no more bytes for a client than the default where a session is told of none', () => {
  const { outbound } = new SessionState({ queueMaximum: 100 });
  const outcomes: string[] = [];
  const payload = Buffer.alloc(DEFAULT_LIMITS.queueMaximumBytes / 2);
  for (const topic of ['a', 'b'])
    outbound.add(
      { ...aMessage({ topic, payload }), done: (outcome) => outcomes.push(`${topic} ${outcome}`) },
      0,
    );
  expect(outcomes).toEqual(['b queue-full']);
});

it('has no session whose queue has no bound', () => {
  expect(() => new SessionState({ queueMaximum: Number.NaN })).toThrow(RangeError);
});
