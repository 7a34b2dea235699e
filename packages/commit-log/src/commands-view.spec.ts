import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeCommandStep, type CommandStep, type RequestedStep } from '@fieldgate/contracts';
import { CommandsView } from './commands-view.js';
import type { LogPosition, LogRecord } from './log-record.js';
import { appended } from './log-writer.js';
import { Inbox } from './testing/inbox.js';
import { createMemoryLog, type MemoryLog } from './testing/memory-log.js';

const TOPIC = 'fieldgate.commands.v1';
let log: MemoryLog;
let view: CommandsView;
let unreadable: Inbox<LogRecord>;

beforeEach(async () => {
  log = createMemoryLog({ partitions: 4 });
  await log.start();
  unreadable = new Inbox();
  view = new CommandsView(log.reader, { failed: unexpected, unreadable: unreadable.push }, 2);
});
afterEach(async () => {
  await view.stop();
  await log.stop();
});

function unexpected(error: unknown): void {
  throw new Error('the view failed', { cause: error });
}

function requested(commandId: string, deviceId = 'pump-7'): RequestedStep {
  return {
    step: 'requested',
    commandId,
    deviceId,
    at: 1,
    name: 'reboot',
    params: {},
    mode: 'interactive',
    ttlMs: 1_000,
    timeoutMs: 1_000,
    requestedBy: 'admin',
    bodyHash: 'hash',
  };
}

function cancelled(commandId: string, deviceId = 'pump-7'): CommandStep {
  return { step: 'cancelled', commandId, deviceId, at: 2, detail: 'by its operator' };
}

async function write(...steps: CommandStep[]): Promise<LogPosition> {
  let at: LogPosition = { partition: 0, offset: 0 };
  for (const [index, step] of steps.entries()) {
    const value = encodeCommandStep(step, `${index}`);
    at = await appended(log.writer, { topic: TOPIC, key: step.deviceId, value });
  }
  return at;
}

describe('the view of commands', () => {
  it('holds what stood in the log once it has caught up', async () => {
    await write(requested('c1'), requested('c2', 'pump-8'), cancelled('c1'));
    await view.start();
    await view.caughtUp();
    expect(view.get('c1')?.state).toBe('cancelled');
    expect([...view.open()].map(({ id }) => id)).toEqual(['c2']);
    expect([...view.recent()].map(({ id }) => id)).toEqual(['c1']);
    expect(view.ofDevice('pump-8').map(({ id }) => id)).toEqual(['c2']);
    expect(view.ofDevice('pump-7')).toEqual([]);
  });

  it('has folded a step when it has reached its position', async () => {
    await view.start();
    await view.reached(await write(requested('c1')));
    expect(view.get('c1')?.state).toBe('requested');
    await view.reached(await write(cancelled('c1')));
    expect(view.get('c1')?.state).toBe('cancelled');
  });

  it('tells every step with the command before and after, and its position', async () => {
    await view.start();
    const changes = new Inbox<readonly unknown[]>();
    const unsubscribe = view.changes((command, previous, step, at) =>
      changes.push([command.state, previous?.state, step.step, at]),
    );
    const first = await write(requested('c1'));
    const second = await write(cancelled('c1'));
    const third = await write(cancelled('c1')); // cannot follow: the command stays the very same
    await view.reached(third);
    unsubscribe();
    await view.reached(await write(requested('c2')));
    expect(changes.all).toEqual([
      ['requested', undefined, 'requested', first],
      ['cancelled', 'requested', 'cancelled', second],
      ['cancelled', 'cancelled', 'cancelled', third],
    ]);
  });

  it('keeps every open command, and only the newest finished ones', async () => {
    await view.start();
    await write(requested('open'));
    for (const id of ['c1', 'c2', 'c3']) await view.reached(await write(requested(id), cancelled(id)));
    expect([...view.recent()].map(({ id }) => id)).toEqual(['c2', 'c3']);
    expect(view.get('c1')).toBeUndefined();
    expect(view.get('open')?.state).toBe('requested');
  });

  it('reports a record that it cannot read, and goes on', async () => {
    await view.start();
    const at = await appended(log.writer, { topic: TOPIC, key: 'pump-7', value: Buffer.from('garbage') });
    await view.reached(await write(requested('c1')));
    expect(unreadable.all.map(({ offset }) => offset)).toEqual([at.offset]);
    expect(view.get('c1')?.state).toBe('requested');
  });

  it('ignores a step whose request is no longer in the log', async () => {
    await view.start();
    await view.reached(await write(cancelled('c1')));
    expect(view.get('c1')).toBeUndefined();
  });
});
