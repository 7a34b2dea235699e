import { expect, it } from '@jest/globals';
import { encode } from '../codec/encoder.js';
import { GivenConnection } from '../testing/given-connection.js';
import { aConnect, aDisconnect, aMessage, aPublish } from '../testing/packets.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { turns } from '../testing/test-client.js';

it('keeps of a will its own bytes, and neither the password beside it nor what came behind the CONNECT', async () => {
  const given = new GivenConnection();
  const will = aMessage({
    payload: Buffer.from('bye'),
    properties: { correlationData: Buffer.from('id'), contentType: 'text/plain' },
  });
  const connect = aConnect({ will, username: 'user', password: Buffer.from('TOP-SECRET') });
  const chunk = [encode(connect, 5), encode(aPublish({ payload: Buffer.alloc(60_000) }), 5)];
  given.client.send(Buffer.concat(chunk));
  await turns();
  given.client.send(aDisconnect(ReasonCode.disconnectWithWill));
  await turns();
  expect(given.arrived).toHaveLength(1);
  for (const left of [given.connects[0]?.will, given.ends[0]?.will]) {
    expect(left).toEqual(will);
    for (const bytes of [left?.payload, left?.properties.correlationData])
      expect(bytes?.buffer.byteLength).toBe(bytes?.length);
  }
});
