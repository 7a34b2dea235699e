import { expect, it } from '@jest/globals';
import { encode } from './encoder.js';
import { decodeOne, framed, hex, refusal } from './testing/decoding.js';
import { PacketType } from './packet.js';

const V5 = { version: 5 } as const;
/** A surrogate in UTF-8, a character cut off, and U+0000. */
const NO_TEXT = ['0003 EDA080', '0001 C3', '0002 6100'];
const TEXT = '0001 61';

const CONNECT = (clientId: string, willTopic: string, username: string): Buffer =>
  framed('10', `0004 4D515454 05 86 000A 00 ${clientId} 00 ${willTopic} 0000 ${username}`);
const PUBLISH = (topic: string, properties: string): Buffer => framed('30', `${topic} ${listed(properties)}`);

it.each([
  ['the client id [MQTT-3.1.3-4]', (text: string) => CONNECT(text, TEXT, TEXT)],
  ['the will topic [MQTT-3.1.3-11]', (text: string) => CONNECT(TEXT, text, TEXT)],
  ['the user name [MQTT-3.1.3-12]', (text: string) => CONNECT(TEXT, TEXT, text)],
  ['the topic [MQTT-3.3.2-1]', (text: string) => PUBLISH(text, '')],
  ['the Response Topic [MQTT-3.3.2-13]', (text: string) => PUBLISH(TEXT, `08 ${text}`)],
  ['the Content Type [MQTT-3.3.2-19]', (text: string) => PUBLISH(TEXT, `03 ${text}`)],
  ['the name of a pair [MQTT-1.5.7-1]', (text: string) => PUBLISH(TEXT, `26 ${text} ${TEXT}`)],
  ['the value of a pair [MQTT-1.5.7-1]', (text: string) => PUBLISH(TEXT, `26 ${TEXT} ${text}`)],
  ['a filter of SUBSCRIBE [MQTT-3.8.3-1]', (text: string) => framed('82', `0001 00 ${text} 00`)],
  ['a filter of UNSUBSCRIBE [MQTT-3.10.3-1]', (text: string) => framed('A2', `0001 00 ${text}`)],
])('takes text and nothing else for %s', (_, packet) => {
  expect(decodeOne(packet(TEXT), V5)).not.toHaveProperty('violation');
  for (const bytes of NO_TEXT) expect(refusal(packet(bytes), V5)).toMatch(/^0x81 (?:MQTT-)?1\.5/);
});

it('keeps U+FEFF wherever it stands, and writes it again', () => {
  const read = decodeOne(PUBLISH('0007 EFBBBF61EFBBBF', '03 0003 EFBBBF'), V5);
  expect(read).toMatchObject({ topic: '\ufeffa\ufeff', properties: { contentType: '\ufeff' } });
  const written = encode(
    { type: PacketType.unsubscribe, packetId: 1, filters: ['\ufeffa'], properties: {} },
    5,
  );
  expect(written.includes(hex('EFBBBF61'))).toBe(true);
});

it('writes the length of a property list, also of an empty one', () => {
  const answer = { packetId: 1, reasonCodes: [0], properties: {} } as const;
  expect(encode({ type: PacketType.suback, ...answer }, 5)).toEqual(hex('90 04 0001 00 00'));
  expect(encode({ type: PacketType.unsuback, ...answer }, 5)).toEqual(hex('B0 04 0001 00 00'));
  expect(
    encode({ type: PacketType.connack, sessionPresent: false, reasonCode: 0, properties: {} }, 5),
  ).toEqual(hex('20 03 00 00 00'));
});

function listed(properties: string): string {
  return `${hex(properties).length.toString(16).padStart(2, '0')} ${properties}`;
}
