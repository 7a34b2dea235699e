import { expect, it } from '@jest/globals';
import { isSharedFilter, topicFilterObjection, topicNameObjection } from './topics.js';

it.each(['sport', '/', '/finance', 'sport/tennis/', '$SYS/uptime', 'ä/ü', 'a b', 'a'.repeat(65_535)])(
  'takes the topic name %.20s',
  (topic) => {
    expect(topicNameObjection(topic)).toBeUndefined();
  },
);

it.each([
  ['', 'MQTT-4.7.3-1'],
  ['a\0b', 'MQTT-1.5.4-1'],
  ['sport/#', 'MQTT-3.3.2-2'],
  ['a+', 'MQTT-3.3.2-2'],
  ['ä'.repeat(32_768), 'MQTT-4.7.3-3'],
])('refuses the topic name %.20s', (topic, clause) => {
  expect(topicNameObjection(topic)?.clause).toBe(clause);
});

it.each([
  '#',
  '+',
  '/',
  '+/+',
  '/+',
  '+/',
  'sport/tennis/player1/#',
  'sport/+/player1',
  '+/tennis/#',
  '$SYS/#',
  '$share/consumer1/sport/tennis/+',
  '$share/consumer1//finance',
  '$share/c/#',
])('takes the topic filter %s, an example of 4.7 and 4.8', (filter) => {
  expect(topicFilterObjection(filter, true)).toBeUndefined();
});

it.each([
  ['', 'MQTT-4.7.3-1'],
  ['sport/tennis#', 'MQTT-4.7.1-1'],
  ['sport/tennis/#/ranking', 'MQTT-4.7.1-1'],
  ['##', 'MQTT-4.7.1-1'],
  ['sport+', 'MQTT-4.7.1-2'],
  ['+sport', 'MQTT-4.7.1-2'],
  ['a/++/b', 'MQTT-4.7.1-2'],
  ['$share/', 'MQTT-4.8.2-2'],
  ['$share//a', 'MQTT-4.8.2-1'],
  ['$share/name', 'MQTT-4.8.2-2'],
  ['$share/name/', 'MQTT-4.8.2-2'],
  ['$share/na+me/a', 'MQTT-4.8.2-2'],
  ['$share/#/a', 'MQTT-4.8.2-2'],
  ['$share/name/a/#/b', 'MQTT-4.7.1-1'],
])('refuses the topic filter %s by %s', (filter, clause) => {
  expect(topicFilterObjection(filter, true)?.clause).toBe(clause);
});

it('knows shared subscriptions by their first level, and only where the version has them', () => {
  expect(isSharedFilter('$share/a/b')).toBe(true);
  expect(isSharedFilter('$shared/a')).toBe(false);
  expect(topicFilterObjection('$share/name', false)).toBeUndefined();
});
