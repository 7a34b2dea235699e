import { expect, it } from '@jest/globals';
import { descriptorsExhaustedGauge } from '../gateway.metrics.js';
import { givenLogLines } from '../testing/given-log-lines.js';
import { DescriptorWatch } from './descriptor-watch.js';

async function gauge(): Promise<number | undefined> {
  return (await descriptorsExhaustedGauge.get()).values[0]?.value;
}

it.each(['EMFILE', 'ENFILE'])(
  'says once that none is left (%s), and once that there are again',
  async (code) => {
    const { logger, all } = givenLogLines();
    let problem: string | undefined;
    const watch = new DescriptorWatch(logger, () => {
      if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
    });
    const look = (times: number): void => Array.from({ length: times }).forEach(() => watch.look());
    look(3);
    problem = 'EACCES';
    look(1);
    expect(all).toEqual([]);
    expect(await gauge()).toBe(0);
    problem = code;
    look(3);
    problem = undefined;
    look(4); // a connection has ended, and the next one comes
    problem = code;
    look(1);
    expect(all).toMatchObject([{ level: 50, msg: 'no file descriptor is left: new connections are closed' }]);
    expect(await gauge()).toBe(1);
    problem = undefined;
    look(6);
    expect(all.slice(1)).toMatchObject([{ level: 30, msg: 'file descriptors are left again' }]);
    expect(await gauge()).toBe(0);
  },
);

it('opens something in earnest', () => {
  const { logger, all } = givenLogLines();
  new DescriptorWatch(logger).look();
  expect(all).toEqual([]);
});
