import { describe, expect, it } from '@jest/globals';
import { callsIn } from './system-calls.js';

const hex = (text: string): string => Buffer.from(text).toString('hex').replaceAll(/../g, '\\x$&');
const FILE = hex('/data/a.spool');

describe('callsIn', () => {
  it('reads what a call read or wrote, and where', () => {
    const calls = callsIn(
      [
        `7 read(21<TCP:[127.0.0.1:1883->127.0.0.1:4000]>, "${hex('hello')}", 65536) = 5`,
        `8 pwrite64(18<${FILE}>, "${hex('record')}", 6, 44) = 6`,
        `8 pwrite64(18<${FILE}>, "${hex('record')}", 6, 50) = -1 ENOSPC (No space left on device)`,
        '+++ killed by SIGKILL +++',
      ].join('\n'),
    );
    expect(
      calls.map(({ name, fd, target, at, bytes, result }) => [name, fd, target, at, String(bytes), result]),
    ).toEqual([
      ['read', 21, 'TCP:[127.0.0.1:1883->127.0.0.1:4000]', 0, 'hello', 5],
      ['pwrite64', 18, '/data/a.spool', 44, 'record', 6],
      ['pwrite64', 18, '/data/a.spool', 50, '', -1],
    ]);
  });

  it('puts the two halves of a call together, and knows one that never returned', () => {
    const calls = callsIn(
      [
        `8 fdatasync(18<${FILE}> <unfinished ...>`,
        `7 write(21<TCP:[a:1->b:2]>, "${hex('x')}", 1) = 1`,
        '8 <... fdatasync resumed>) = 0',
        `9 pwrite64(18<${FILE}>, "${hex('ab')}", 2, 77 <unfinished ...>`,
        '9 <... pwrite64 resumed>)           = 2',
        `8 fdatasync(18<${FILE}> <unfinished ...>`,
      ].join('\n'),
    );
    expect(
      calls.map(({ name, target, at, from, to, result }) => [name, target, at, from, to, result]),
    ).toEqual([
      ['write', 'TCP:[a:1->b:2]', 0, 1, 1, 1],
      ['fdatasync', '/data/a.spool', 0, 0, 2, 0],
      ['pwrite64', '/data/a.spool', 77, 3, 4, 2],
      ['fdatasync', '/data/a.spool', 0, 5, Infinity, -1],
    ]);
  });

  it('finds the place of a gathered write in the seek before it', () => {
    const [call] = callsIn(
      [
        `8 lseek(19<${FILE}>, 8192, SEEK_SET) = 8192`,
        `8 writev(19<${FILE}>, [{iov_base="${hex('ab')}", iov_len=2}, {iov_base="${hex('c')}", iov_len=1}], 2) = 3`,
      ].join('\n'),
    );
    expect([call?.at, String(call?.bytes)]).toEqual([8192, 'abc']);
  });
});
