import { FieldgateError } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { afterEach, expect, it } from '@jest/globals';
import { runUntilStopped } from './run-until-stopped.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const before = SIGNALS.map((signal) => process.listeners(signal));

afterEach(() => {
  for (const [index, signal] of SIGNALS.entries())
    for (const listener of process.listeners(signal))
      if (before[index]?.includes(listener) !== true) process.off(signal, listener);
});

it('stops the roles when what runs beside them fails', async () => {
  const happened: (string | number)[] = [];
  const roles = {
    logger: createLogger({ level: 'silent', pretty: false }),
    onFailure: () => undefined,
    stop: async () => void happened.push('roles stopped'),
  };
  const companion = {
    failed: Promise.resolve(new FieldgateError('gateway-unreachable', 'the simulator found nobody')),
    stop: async () => void happened.push('simulator stopped'),
  };
  await runUntilStopped(roles, companion, { exit: (code) => happened.push(code), now: () => 0 });
  expect(happened).toEqual(['simulator stopped', 'roles stopped', 1]);
});

it.each(SIGNALS)(
  'takes a second %s as an order to end at once, but not the same one that npm passes on',
  async (signal) => {
    const exits: number[] = [];
    let now = 1_000;
    let stopped: () => void = () => undefined;
    const roles = {
      logger: createLogger({ level: 'silent', pretty: false }),
      onFailure: () => undefined,
      stop: () => new Promise<void>((resolve) => (stopped = resolve)),
    };
    const life = runUntilStopped(roles, undefined, { exit: (code) => exits.push(code), now: () => now });
    process.emit(signal, signal);
    process.emit(signal, signal);
    expect(exits).toEqual([]);
    now += 1_000;
    process.emit(signal, signal);
    expect(exits).toEqual([1]);
    await Promise.resolve(); // the roles are stopping
    await Promise.resolve();
    stopped();
    await life;
    expect(exits).toEqual([1, 0]);
  },
);
