import type { FaultCase } from '../fault-case.js';

/** Killed, moved away from, overrun, and told to stop. */
export const gatewayCases: readonly FaultCase[] = [
  {
    name: 'F1',
    title: 'gateway `kill -9` under load, three times',
    takesMs: 15_000,
    async run({ installation, between, wait, startGateway, faultEnded }) {
      for (let kill = 0; kill < 3; kill++) {
        await wait(between(200, 1_500));
        await installation.of('gateway').kill();
        await startGateway();
        faultEnded();
      }
    },
  },
];
