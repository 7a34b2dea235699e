import { STORAGE_GROUP } from '@fieldgate/contracts';
import type { FaultCase } from '../fault-case.js';
import { NO_FAULT } from '../proxy-fault.js';

/** Longer than a group waits for a member, which is 8 s. */
const FROZEN_MS = 15_000;
const WITHIN_MS = 60_000;

/** The storing side: killed at the worst moment, and frozen while its work goes to another. */
export const processorCases: readonly FaultCase[] = [
  {
    name: 'F14',
    title: 'processors killed between the write and the commit',
    promise: 'when the processors are killed between the write and the commit',
    takesMs: 22_000,
    async run({ services, installation, between, wait, faultEnded }) {
      await wait(between(300, 1_500));
      const written = services.store.answerLost();
      await services.store.set({ kind: 'lose answers' }); // so no offset is committed for it
      await written;
      await installation.of('processors').kill();
      await services.store.set(NO_FAULT);
      await installation.start('processors');
      faultEnded();
    },
  },
  {
    name: 'F15',
    title: 'one of two processors frozen until the group has moved on, then thawed',
    takesMs: 24_000,
    extra: ['processors-2'],
    async run({ services, installation, between, wait, during, reaches }) {
      const members = async (): Promise<number> => {
        const { groups } = await services.admin.describeGroups([STORAGE_GROUP]);
        return groups[0]?.state === 'Stable' ? groups[0].members.length : 0;
      };
      await reaches('both share the partitions', async () => (await members()) === 2, WITHIN_MS);
      await wait(between(0, 2_000));
      await during(
        {
          begin: () => installation.freeze('processors-2'),
          end: async () => {
            await reaches('the other has all of them', async () => (await members()) === 1, WITHIN_MS);
            installation.thaw('processors-2');
          },
        },
        FROZEN_MS,
      );
    },
  },
];
