import { expect, it } from '@jest/globals';
import { LAB_USAGE, labOptions } from './lab-options.js';

it('listens on the loopback unless another part of it is named', () => {
  expect(labOptions([])).toEqual({ host: '127.0.0.1', port: 18830, keepAliveMaximum: 0 });
  expect(labOptions(['--host', '::1', '--port', '0', '--max-keep-alive', '60'])).toEqual({
    host: '::1',
    port: 0,
    keepAliveMaximum: 60,
  });
});

it('says what there is', () => {
  expect(labOptions(['--help'])).toBe('help');
  for (const option of ['--host', '--port', '--max-keep-alive']) expect(LAB_USAGE).toContain(option);
});

it.each([
  [['--prot', '1'], "'--prot'"],
  [['1883'], "'1883'"],
  [['--port'], '--port'],
  [['--port', 'x'], '--port takes a whole number'],
  [['--port', '65536'], '--port takes a whole number'],
  [['--max-keep-alive', '-1'], '--max-keep-alive'],
  [['--host', '0.0.0.0'], 'lets everybody in'],
])('says what is wrong with %j', (words, says) => {
  expect(labOptions(words)).toEqual({ wrong: expect.stringContaining(says) });
});
