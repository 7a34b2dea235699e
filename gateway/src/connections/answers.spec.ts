import { expect, it } from '@jest/globals';
import { V3_SESSION_EXPIRY_SECONDS } from '@fieldgate/contracts';
import { DEFAULT_LIMITS, ReasonCode, type ConnectionEnd, type ConnectPacket } from '@fieldgate/mqtt-edge';
import { disconnectReason, expirySecondsOf } from './answers.js';

const ended = (reason: ConnectionEnd['reason'], reasonCode: ReasonCode = ReasonCode.protocolError) =>
  disconnectReason({ reason, reasonCode, detail: undefined, will: undefined, sessionExpiry: 0 });

it.each([
  ['a rule broken', ended('protocol-error'), 'protocol-error'],
  ['a packet too large', ended('protocol-error', ReasonCode.packetTooLarge), 'packet-too-large'],
  [
    'too many messages open, of whatever QoS',
    ended('protocol-error', ReasonCode.receiveMaximumExceeded),
    'receive-maximum-exceeded',
  ],
  ['silence', ended('keep-alive-timeout'), 'keep-alive-timeout'],
  ['no DISCONNECT', ended('lost'), 'connection-lost'],
])('the event `disconnected` says of %s what it was', (_, said, reason) => {
  expect(said).toBe(reason);
});

const CONNECT = { version: 5, clean: false, properties: {} } as ConnectPacket; // the rest says nothing about the session
const MAXIMUM = DEFAULT_LIMITS.sessionExpiryMaximum;

it.each<[string, Partial<ConnectPacket>, number]>([
  ['MQTT 5 without a word: not at all', {}, 0],
  ['MQTT 5: as it asks', { properties: { sessionExpiryInterval: 60 } }, 60],
  ['MQTT 5: at most what is allowed', { properties: { sessionExpiryInterval: 0xffff_ffff } }, MAXIMUM],
  ['MQTT 3.1.1 with clean session 1: not at all', { version: 4, clean: true }, 0],
  ['MQTT 3.1.1 with clean session 0: a day', { version: 4 }, V3_SESSION_EXPIRY_SECONDS],
])('a session outlives its connection, %s', (_, more, seconds) => {
  expect(expirySecondsOf({ ...CONNECT, ...more }, DEFAULT_LIMITS)).toBe(seconds);
});
