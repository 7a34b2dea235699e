import { describe, expect, it } from '@jest/globals';
import type { CommandBody, CommandStep } from './command-step.js';
import { foldCommand, type Command } from './fold-command.js';

const common = { commandId: 'cmd-1', deviceId: 'pump-7', at: 1_000 };
const REQUESTED: CommandStep = {
  step: 'requested',
  ...common,
  name: 'reboot',
  mode: 'interactive',
  ttlMs: 10_000,
  timeoutMs: 30_000,
  requestedBy: 'admin',
  bodyHash: 'h',
};
const sent = (attempt: number): CommandStep => ({
  step: 'sent',
  ...common,
  gateway: 'gw-1',
  connection: 'c1',
  attempt,
  qos: 1,
});
const textBody = (text: string): CommandBody => ({ encoding: 'text', text });
const progress = (text: string): CommandStep => ({
  step: 'in-progress',
  ...common,
  status: 102,
  body: textBody(text),
});
const failed = (text: string): CommandStep => ({
  step: 'failed',
  ...common,
  status: 500,
  body: textBody(text),
});
const x = (length: number): string => 'x'.repeat(length);

function fold(...steps: CommandStep[]): Command {
  const command = [REQUESTED, sent(1), ...steps].reduce<Command | undefined>(foldCommand, undefined);
  if (!command) throw new Error('these steps make no command');
  return command;
}

const lengths = (command: Command): unknown[] =>
  command.timeline
    .filter(({ state }) => state === 'in-progress')
    .map(({ body }) => (body?.encoding === 'text' ? body.text.length : body));

describe('the bodies in the timeline', () => {
  it('of older progress stay while they are small; of large ones only the newest', () => {
    const steps = [progress(x(10)), progress(x(2_000))];
    expect(lengths(fold(...steps))).toEqual([10, 2_000]);
    expect(lengths(fold(...steps, progress(x(3_000))))).toEqual([10, undefined, 3_000]);
    const command = fold(...steps, progress(x(3_000)), sent(2), progress(x(20)));
    expect(lengths(command)).toEqual([10, undefined, undefined, 20]);
    expect(command.timeline[3]).toEqual({ state: 'in-progress', at: 1_000, status: 102 });
  });

  it('count as JSON, in bytes', () => {
    const most = 1_024 - JSON.stringify(textBody('')).length;
    expect(lengths(fold(progress(x(most)), progress(x(1))))).toEqual([most, 1]);
    expect(lengths(fold(progress(x(most + 1)), progress(x(1))))).toEqual([undefined, 1]);
    expect(lengths(fold(progress('ü'.repeat(600)), progress(x(1))))).toEqual([undefined, 1]);
  });

  it('of the final answer are not repeated when they are large', () => {
    const command = fold(failed(x(2_000)));
    expect(command.timeline.at(-1)).toEqual({ state: 'failed', at: 1_000, status: 500 });
    expect(command.result).toEqual({ status: 500, body: textBody(x(2_000)) });
    expect(fold(failed(x(10))).timeline.at(-1)).toHaveProperty('body');
  });
});
