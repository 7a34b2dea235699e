import { expect, it } from '@jest/globals';
import { encode } from '../codec/encoder.js';
import { GivenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage } from '../testing/packets.js';
import { SlowStream } from '../testing/slow-stream.js';
import { turns } from '../testing/test-client.js';

const KB = 1_024;
const payload = Buffer.from(Array.from({ length: 1_000 * KB }, (_, index) => index % 251));

async function aSlowReader(): Promise<{ given: GivenConnection; stream: SlowStream }> {
  const stream = new SlowStream();
  const given = new GivenConnection({ stream, limits: { drainTimeoutMs: 3_000 } });
  stream.push(encode(aConnect(), 5));
  await turns();
  stream.letRead(KB); // CONNACK
  return { given, stream };
}

it('keeps a client that reads a large message slowly but steadily, and brings it all of it', async () => {
  const { given, stream } = await aSlowReader();
  given.connection.send({ ...aMessage({ topic: 'large', payload }), qos: 0 });
  given.connection.send({ ...aMessage({ topic: 'small' }), qos: 0 });
  for (let second = 0; second < 130; second += 1) {
    await given.later(1_000);
    stream.letRead(8 * KB);
  }
  expect(given.ends).toEqual([]);
  const sent = Buffer.concat(stream.taken);
  const large = sent.indexOf('large');
  expect(sent.subarray(large + 6, large + 6 + payload.length).equals(payload)).toBe(true); // behind the length of its properties
  expect(sent.indexOf('small')).toBe(large + 6 + payload.length + 4);
});

it('tears down a client that stops to read in the middle of a large message', async () => {
  const { given, stream } = await aSlowReader();
  given.connection.send({ ...aMessage({ payload }), qos: 0 });
  for (let second = 0; second < 10; second += 1) {
    await given.later(1_000);
    stream.letRead(16 * KB);
  }
  await given.later(2_999);
  expect(given.ends).toEqual([]);
  await given.later(3_000);
  expect(given.ends).toMatchObject([{ reason: 'drain-timeout' }]);
});

it('keeps little in the stream of what the client has not read, and says goodbye behind all of it', async () => {
  const { given, stream } = await aSlowReader();
  given.connection.send({ ...aMessage({ payload }), qos: 0 });
  await turns();
  expect(stream.writableLength).toBeLessThan(100 * KB);
  given.connection.close(0x98, 'goodbye');
  await turns();
  stream.letRead(17 * KB); // the piece that was being written
  await turns();
  stream.letRead(2_000 * KB);
  const sent = Buffer.concat(stream.taken);
  expect(sent.includes(payload)).toBe(true);
  expect(sent.subarray(-7).toString()).toBe('goodbye');
});
