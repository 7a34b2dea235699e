import { describe, expect, it } from '@jest/globals';
import { foldCommand, type Command, type CommandStep } from '@fieldgate/contracts';
import { FinishedCommands } from './finished-commands.js';

function finished(id: string, answer = ''): Command {
  const common = { commandId: id, deviceId: 'pump-7', at: 1 };
  const steps: CommandStep[] = [
    {
      step: 'requested',
      ...common,
      name: 'ping',
      mode: 'interactive',
      ttlMs: 1,
      timeoutMs: 1,
      requestedBy: 'admin',
      bodyHash: 'h',
    },
    { step: 'sent', ...common, gateway: 'gw-1', connection: 'c1', attempt: 1, qos: 1 },
    { step: 'succeeded', ...common, status: 200, body: { encoding: 'text', text: answer } },
  ];
  const command = steps.reduce<Command | undefined>(foldCommand, undefined);
  if (!command) throw new Error('these steps make no command');
  return command;
}

const ids = (commands: FinishedCommands): string[] => [...commands.values()].map(({ id }) => id);

describe('finished commands', () => {
  it('are remembered up to a number: the oldest go first', () => {
    const commands = new FinishedCommands({ count: 2, bytes: 1_000_000 });
    for (const id of ['c1', 'c2', 'c3']) commands.keep(finished(id));
    expect(ids(commands)).toEqual(['c2', 'c3']);
    expect(commands.get('c1')).toBeUndefined();
    expect(commands.get('c3')?.id).toBe('c3');
  });

  it('are remembered up to a size, whatever their number', () => {
    const size = JSON.stringify(finished('c1', 'x'.repeat(50_000))).length;
    const commands = new FinishedCommands({ count: 100, bytes: 2 * size });
    for (const id of ['c1', 'c2', 'c3']) commands.keep(finished(id, 'x'.repeat(50_000)));
    expect(ids(commands)).toEqual(['c2', 'c3']);
    commands.keep(finished('c4'));
    expect(ids(commands)).toEqual(['c3', 'c4']);
  });

  it('count once when they change, and become the newest', () => {
    const size = JSON.stringify(finished('c1', 'x'.repeat(50_000))).length;
    const commands = new FinishedCommands({ count: 100, bytes: 2 * size });
    for (const id of ['c1', 'c2', 'c1', 'c1']) commands.keep(finished(id, 'x'.repeat(50_000)));
    expect(ids(commands)).toEqual(['c2', 'c1']);
  });

  it('do not push out all others for one that is too large itself', () => {
    const commands = new FinishedCommands({ count: 100, bytes: 10_000 });
    commands.keep(finished('small'));
    commands.keep(finished('large', 'x'.repeat(50_000)));
    expect(ids(commands)).toEqual(['small']);
    commands.keep(finished('small', 'x'.repeat(50_000))); // what stands here must not be out of date
    expect(ids(commands)).toEqual([]);
  });
});
