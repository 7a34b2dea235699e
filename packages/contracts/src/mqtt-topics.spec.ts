import { describe, expect, it } from '@jest/globals';
import {
  commandTopic,
  deviceTopicPrefix,
  filterMatches,
  isCommandName,
  isEventType,
  parseUpTopic,
  responseTopic,
  splitDeviceTopic,
} from './mqtt-topics.js';

const LONGEST = 'a'.repeat(64);

describe('splitDeviceTopic', () => {
  it.each([
    ['devices/pump-7/telemetry', 'pump-7', 'telemetry'],
    ['devices/pump-7/', 'pump-7', ''],
    ['devices/0/events/a/b', '0', 'events/a/b'],
    [`devices/${LONGEST}/x`, LONGEST, 'x'],
    ['devices/constructor/telemetry', 'constructor', 'telemetry'],
  ])('%s', (topic, deviceId, rest) => {
    expect(splitDeviceTopic(topic)).toEqual({ deviceId, rest });
  });

  it.each([
    '',
    'devices',
    'devices/',
    'devices//telemetry',
    'devices/pump-7',
    'Devices/pump-7/telemetry',
    '/devices/pump-7/telemetry',
    'devices/.hidden/telemetry',
    'devices/__proto__/telemetry',
    'devices/pump 7/telemetry',
    'devices/pump\n/telemetry',
    'devices/pump-7\u0000/telemetry',
    'devices/+/telemetry',
    `devices/${LONGEST}a/x`,
    '$SYS/devices/pump-7/telemetry',
  ])('is undefined for %j', (topic) => {
    expect(splitDeviceTopic(topic)).toBeUndefined();
  });
});

describe('parseUpTopic', () => {
  it.each([
    ['telemetry', { kind: 'telemetry' }],
    ['telemetry/senml', { kind: 'telemetry', format: 'senml' }],
    ['telemetry/cbor', { kind: 'telemetry', format: 'cbor' }],
    ['telemetry/senml-cbor', { kind: 'telemetry', format: 'senml-cbor' }],
    ['events/overheating', { kind: 'event', eventType: 'overheating' }],
    [`events/${LONGEST}`, { kind: 'event', eventType: LONGEST }],
    ['responses/c-1', { kind: 'response', commandId: 'c-1' }],
    ['responses/_c/102', { kind: 'response', commandId: '_c', status: 102 }],
    ['responses/-/599', { kind: 'response', commandId: '-', status: 599 }],
  ])('%s', (rest, topic) => {
    expect(parseUpTopic(rest)).toEqual(topic);
  });

  it.each([
    '',
    'Telemetry',
    'telemetry/',
    'telemetry/x',
    'telemetry/json',
    'telemetry/CBOR',
    'telemetry/constructor',
    'telemetry/cbor/',
    'telemetry/cbor/x',
    'events',
    'events/',
    'events/a/b',
    'events/-a',
    'events/__proto__',
    `events/${LONGEST}a`,
    'events/a\n',
    'responses',
    'responses/',
    'responses//200',
    'responses/c/',
    'responses/c/20',
    'responses/c/0200',
    'responses/c/600',
    'responses/c/2e2',
    'responses/c/200/',
    'responses/c/200/x',
    'responses/c.d/200',
    `responses/${LONGEST}a/200`,
    'commands/c/reboot',
    'constructor',
  ])('is undefined for %j', (rest) => {
    expect(parseUpTopic(rest)).toBeUndefined();
  });
});

describe('topics that are built', () => {
  const command = { deviceId: 'pump-7', id: 'c_1', name: 'set-interval' };

  it('are those of the device guide', () => {
    expect(deviceTopicPrefix('pump-7')).toBe('devices/pump-7/');
    expect(commandTopic(command)).toBe('devices/pump-7/commands/c_1/set-interval');
    expect(responseTopic(command)).toBe('devices/pump-7/responses/c_1');
  });

  it('are parsed back', () => {
    const { rest = '' } = splitDeviceTopic(responseTopic(command)) ?? {};
    expect(parseUpTopic(rest)).toEqual({ kind: 'response', commandId: 'c_1' });
    expect(parseUpTopic(`${rest}/404`)).toEqual({ kind: 'response', commandId: 'c_1', status: 404 });
  });

  it('take only names that are one level', () => {
    for (const good of ['reboot', 'a', '0', 'set.interval_2-b']) {
      expect([isCommandName(good), isEventType(good)]).toEqual([true, true]);
    }
    for (const bad of ['', 'a/b', '+', '#', ' ', '.a', '$a', 'ü', 'a\n', `${LONGEST}a`]) {
      expect([isCommandName(bad), isEventType(bad)]).toEqual([false, false]);
    }
  });
});

describe('filterMatches (MQTT 5, section 4.7)', () => {
  it.each([
    // the specification's own examples
    ['sport/tennis/player1/#', 'sport/tennis/player1'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon'],
    ['sport/#', 'sport'],
    ['#', 'sport'],
    ['#', '/'],
    ['sport/tennis/+', 'sport/tennis/player1'],
    ['sport/+', 'sport/'],
    ['+', 'finance'],
    ['+/+', '/finance'],
    ['/+', '/finance'],
    ['+/tennis/#', 'a/tennis'],
    ['$SYS/#', '$SYS/'],
    ['$SYS/monitor/+', '$SYS/monitor/Clients'],
    ['a/b', 'a/b'],
    ['a//b', 'a//b'],
    ['a/+/b', 'a//b'],
    ['a/$b/#', 'a/$b/c'],
    ['a/+', 'a/$b'],
    ['devices/pump-7/commands/#', 'devices/pump-7/commands/c1/reboot'],
  ])('%s matches %s', (filter, topic) => {
    expect(filterMatches(filter, topic)).toBe(true);
  });

  it.each([
    ['sport/tennis/+', 'sport/tennis/player1/ranking'],
    ['sport/+', 'sport'],
    ['+', '/finance'],
    ['#', '$SYS/monitor'],
    ['+/monitor/Clients', '$SYS/monitor/Clients'],
    ['+', '$SYS'],
    ['a/b', 'a/b/'],
    ['a/b/', 'a/b'],
    ['a/b', 'A/b'],
    ['a', 'b'],
    ['a/b/c', 'a/b'],
    ['sport/#', 'sports'],
    ['sport/#', 'a/sport'],
    ['devices/pump-7/#', 'devices/pump-77/commands'],
  ])('%s does not match %s', (filter, topic) => {
    expect(filterMatches(filter, topic)).toBe(false);
  });
});
