import { describe, expect, it } from '@jest/globals';
import { frame, text } from '../support/mqtt-bytes.js';
import { acknowledgementsIn, writesTo } from './synced.js';
import type { SystemCall } from './system-calls.js';

const CONNECTION = 'TCP:[127.0.0.1:1883->127.0.0.1:4000]';
const FILE = '/data/a.spool';
const call = (name: string, target: string, from: number, change: Partial<SystemCall> = {}): SystemCall => {
  return { name, fd: 1, target, bytes: Buffer.alloc(0), at: 0, from, to: from, result: 0, ...change };
};
const PAYLOAD = Buffer.from('{"ts":1,"readings":{"n":5,"temperature":20}}');
const read = (id: number, at: number): SystemCall =>
  call('read', CONNECTION, at, {
    bytes: frame(0x32, [text('devices/pump/telemetry'), Buffer.from([0, id]), PAYLOAD]),
  });
const written = (device: string, n: number, at: number, target = FILE): SystemCall => {
  const record = `{"subject":"${device}","time":"1","data":{"readings":{"n":${n},"temperature":20}}}`;
  return call('pwrite64', target, at, { bytes: Buffer.from(`{"subject":"other","data":{}}\n${record}`) });
};
const acknowledged = (id: number, at: number): SystemCall =>
  call('write', CONNECTION, at, { bytes: frame(0x40, [Buffer.from([0, id])]) });
const flush = (from: number, to: number, result = 0): SystemCall =>
  call('fdatasync', FILE, from, { to, result });
const isLog = (path: string): boolean => path.endsWith('.spool');

describe('acknowledgementsIn', () => {
  it.each([
    ['after the flush', [read(1, 1), written('pump', 5, 2), flush(3, 4), acknowledged(1, 5)], 0],
    ['without one', [read(1, 1), written('pump', 5, 2), acknowledged(1, 4)], 1],
    ['before its end', [read(1, 1), written('pump', 5, 2), flush(3, 5), acknowledged(1, 4)], 1],
    [
      'after one that began before the read',
      [flush(1, 4), read(1, 2), written('pump', 5, 3), acknowledged(1, 5)],
      1,
    ],
    [
      'after one that began before the write',
      [read(1, 1), flush(2, 4), written('pump', 5, 3), acknowledged(1, 5)],
      1,
    ],
    ['after one that failed', [read(1, 1), written('pump', 5, 2), flush(3, 4, -1), acknowledged(1, 5)], 1],
    [
      'after one of another file',
      [read(1, 1), written('pump', 5, 2, '/data/b'), call('fdatasync', '/data/b', 3), acknowledged(1, 4)],
      1,
    ],
    [
      'after one of another file of the log',
      [
        read(1, 1),
        written('pump', 5, 2),
        call('fdatasync', '/data/next.spool', 3, { to: 4 }),
        acknowledged(1, 5),
      ],
      1,
    ],
    ['after one of another number', [read(1, 1), written('pump', 6, 2), flush(3, 4), acknowledged(1, 5)], 1],
    ['after one of another device', [read(1, 1), written('fan', 5, 2), flush(3, 4), acknowledged(1, 5)], 1],
  ])('judges a PUBACK that leaves %s', (_, calls, early) => {
    const found = acknowledgementsIn(calls, 1883, isLog);
    expect([found.checked, found.early.length]).toEqual([1, early]);
  });
});

describe('writesTo', () => {
  it('tells what a flush has covered from what it has not', () => {
    const writes = [
      call('pwrite64', FILE, 1),
      call('pwrite64', FILE, 2, { to: 4 }),
      call('fdatasync', FILE, 3, { to: 5 }),
      call('pwrite64', FILE, 6, { fd: 9 }),
    ];
    const { kept, atRisk } = writesTo(writes, FILE);
    expect([kept, atRisk].map((calls) => calls.map(({ from }) => from))).toEqual([[1], [2, 6]]);
    expect(writesTo(writes, FILE, new Set([9])).kept.map(({ from }) => from)).toEqual([1, 6]);
  });
});
