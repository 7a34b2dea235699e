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
  await runUntilStopped(roles, companion, (code) => happened.push(code));
  expect(happened).toEqual(['simulator stopped', 'roles stopped', 1]);
});
