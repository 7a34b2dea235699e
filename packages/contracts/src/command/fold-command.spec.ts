import { describe, expect, it } from '@jest/globals';
import type { CommandStep, CommandStepKind } from './command-step.js';
import { deadlineOf, foldCommand, isFinal, MAX_TIMELINE, MAY_FOLLOW, type Command } from './fold-command.js';

const KINDS = Object.keys(MAY_FOLLOW).filter((kind): kind is CommandStepKind => kind !== 'none');
const FINAL = [
  'succeeded',
  'failed',
  'rejected',
  'timed-out',
  'expired',
  'undeliverable',
  'cancelled',
] as const;

/** The table of the architecture, written down a second time and in its words. */
const AFTER_SENT: CommandStepKind[] = [
  'in-progress',
  'succeeded',
  'failed',
  'rejected',
  'timed-out',
  'sent',
  'cancelled',
];
const TABLE: Partial<Record<CommandStepKind | 'none', CommandStepKind[]>> = {
  none: ['requested'],
  requested: ['sent', 'expired', 'undeliverable', 'cancelled'],
  sent: ['delivered', ...AFTER_SENT],
  delivered: AFTER_SENT,
  'in-progress': AFTER_SENT,
};

/** A way from nothing to each state. */
const WAY: Record<CommandStepKind, CommandStepKind[]> = {
  requested: ['requested'],
  sent: ['requested', 'sent'],
  delivered: ['requested', 'sent', 'delivered'],
  'in-progress': ['requested', 'sent', 'in-progress'],
  succeeded: ['requested', 'sent', 'succeeded'],
  failed: ['requested', 'sent', 'failed'],
  rejected: ['requested', 'sent', 'rejected'],
  'timed-out': ['requested', 'sent', 'timed-out'],
  expired: ['requested', 'expired'],
  undeliverable: ['requested', 'undeliverable'],
  cancelled: ['requested', 'cancelled'],
};

const STATUS = { 'in-progress': 102, succeeded: 200, failed: 500, rejected: 400 } as const;

function step(kind: CommandStepKind, at = 1_000, attempt = 1, connection = 'c1'): CommandStep {
  const common = { commandId: 'cmd-1', deviceId: 'pump-7', at };
  switch (kind) {
    case 'requested':
      return {
        step: kind,
        ...common,
        name: 'reboot',
        params: { delay: 1 },
        mode: 'interactive',
        ttlMs: 10_000,
        timeoutMs: 30_000,
        requestedBy: 'admin',
        bodyHash: 'h',
      };
    case 'sent':
      return { step: kind, ...common, gateway: 'gw-1', connection, attempt, qos: 1 };
    case 'delivered':
      return { step: kind, ...common, gateway: 'gw-1', connection, attempt };
    case 'in-progress':
    case 'succeeded':
    case 'failed':
    case 'rejected':
      return { step: kind, ...common, status: STATUS[kind], body: { encoding: 'json', json: { kind } } };
    case 'timed-out':
    case 'expired':
    case 'undeliverable':
    case 'cancelled':
      return { step: kind, ...common, detail: `it was ${kind}` };
  }
}

function fold(...steps: CommandStep[]): Command {
  const command = steps.reduce<Command | undefined>(foldCommand, undefined);
  if (!command) throw new Error('these steps make no command');
  return command;
}

function inState(state: CommandStepKind): Command {
  return fold(...WAY[state].map((kind, index) => step(kind, 1_000 + index)));
}

describe('the table of steps', () => {
  it.each([...KINDS, 'none'] as const)('from "%s" allows what the architecture says', (from) => {
    expect([...MAY_FOLLOW[from]].sort()).toEqual([...(TABLE[from] ?? [])].sort());
  });

  it('knows a way to every state', () => {
    for (const state of KINDS) expect(inState(state).state).toBe(state);
  });

  it('calls exactly the seven ends final', () => {
    expect(KINDS.filter(isFinal).sort()).toEqual([...FINAL].sort());
  });

  it.each(KINDS.filter((kind) => kind !== 'requested'))('makes no command of "%s" alone', (kind) => {
    expect(foldCommand(undefined, step(kind))).toBeUndefined();
  });

  describe.each(KINDS)('from "%s"', (from) => {
    const steps = WAY[from].map((kind, index) => step(kind, 1_000 + index));

    it.each(KINDS)('"%s" is applied or ignored as the table says', (to) => {
      const before = fold(...steps);
      const next = step(to, 2_000, to === 'sent' ? 2 : 1);
      const after = fold(...steps, next);
      if (TABLE[from]?.includes(to)) {
        expect(after.state).toBe(to);
        expect(after.timeline).toEqual([
          ...before.timeline,
          expect.objectContaining({ state: to, at: 2_000 }),
        ]);
        return;
      }
      const isCopy = to === from; // of the final answer
      const answersLate =
        FINAL.some((final) => final === from) && ['succeeded', 'failed', 'rejected'].includes(to) && !isCopy;
      expect({ ...after, late: undefined }).toEqual({ ...before, late: undefined });
      expect(after.late !== undefined).toBe(answersLate);
      if (!answersLate) expect(foldCommand(before, next)).toBe(before); // the very same object
    });
  });
});

describe('the first final step wins', () => {
  describe.each(FINAL)('after "%s"', (from) => {
    it.each(['succeeded', 'failed', 'rejected'] as const)('keeps another "%s" answer as late', (to) => {
      const before = inState(from);
      const late = { at: 5_000, status: STATUS[to], body: { encoding: 'text', text: 'another' } } as const;
      const after = foldCommand(before, { ...step(to), ...late } as CommandStep); // `to` is an answer
      expect(after).toEqual({ ...before, late });
      expect(foldCommand(after, step('failed', 6_000))).toBe(after); // one late answer is kept: the first
    });
  });

  it.each(['succeeded', 'failed', 'rejected'] as const)(
    'does not call the final "%s" late when the device sends it again',
    (state) => {
      const before = inState(state);
      expect(foldCommand(before, step(state, 5_000))).toBe(before);
      expect(foldCommand(before, { ...step(state, 5_000), status: 299 } as CommandStep)).not.toBe(before); // an answer has a status
    },
  );

  it('does not take late progress for an answer', () => {
    const before = inState('timed-out');
    expect(foldCommand(before, step('in-progress', 5_000))).toBe(before);
  });
});

describe('a step of somebody else', () => {
  it('is ignored when it names another command or another device', () => {
    const command = inState('sent');
    expect(foldCommand(command, { ...step('succeeded'), commandId: 'cmd-2' })).toBe(command);
    expect(foldCommand(command, { ...step('succeeded'), deviceId: 'pump-8' })).toBe(command);
    const done = inState('succeeded');
    expect(foldCommand(done, { ...step('failed'), deviceId: 'pump-8' })).toBe(done); // not a late answer either
  });
});

describe('attempts', () => {
  it('keeps the newest attempt and forgets the delivery of the one before', () => {
    const command = fold(
      step('requested'),
      step('sent', 1_100),
      step('delivered', 1_200),
      step('sent', 1_300, 2, 'c2'),
    );
    expect(command.attempt).toEqual({ number: 2, gateway: 'gw-1', connection: 'c2', qos: 1, sentAt: 1_300 });
  });

  it('ignores the PUBACK of an earlier attempt', () => {
    const command = fold(step('requested'), step('sent', 1_100), step('sent', 1_300, 2, 'c2'));
    expect(foldCommand(command, step('delivered', 1_400, 1, 'c1'))).toBe(command);
    expect(foldCommand(command, step('delivered', 1_400, 2, 'c2'))?.attempt?.deliveredAt).toBe(1_400);
  });

  it.each(['sent', 'delivered', 'in-progress'] as const)(
    'ignores in "%s" a `sent` that is no newer attempt: it would put the state back',
    (state) => {
      const command = fold(
        ...WAY[state].map((kind) => step(kind)),
        step('sent', 1_500, 2),
        step(state, 1_600, 2),
      );
      for (const number of [1, 2])
        expect(foldCommand(command, step('sent', 1_700, number, 'c2'))).toBe(command);
    },
  );

  it('is the first connection’s when two counted the same attempt, and so is the PUBACK', () => {
    const command = fold(step('requested'), step('sent', 1_100, 1, 'c1'), step('sent', 1_101, 1, 'c2'));
    expect(foldCommand(command, step('delivered', 1_200, 1, 'c2'))).toBe(command);
    expect(foldCommand(command, step('delivered', 1_200, 1, 'c1'))?.attempt?.deliveredAt).toBe(1_200);
  });
});

describe('the result', () => {
  it('is the final answer, and not a progress report', () => {
    expect(inState('in-progress').result).toBeUndefined();
    expect(inState('failed').result).toEqual({
      status: 500,
      body: { encoding: 'json', json: { kind: 'failed' } },
    });
    expect(inState('timed-out').result).toBeUndefined();
  });

  it('tells in the timeline why there is none', () => {
    expect(inState('undeliverable').timeline.at(-1)).toEqual({
      state: 'undeliverable',
      at: 1_001,
      detail: 'it was undeliverable',
    });
  });
});

describe('the timeline', () => {
  it('is bounded: the oldest progress goes first, beginning and end stay', () => {
    const progress = Array.from({ length: 200 }, (_, index) => step('in-progress', 2_000 + index));
    const command = fold(
      step('requested'),
      step('sent'),
      step('delivered'),
      ...progress,
      step('succeeded', 9_000),
    );
    expect(command.timeline).toHaveLength(MAX_TIMELINE);
    expect(command.timeline.slice(0, 3).map((entry) => entry.state)).toEqual([
      'requested',
      'sent',
      'delivered',
    ]);
    expect(command.timeline.at(-1)).toMatchObject({ state: 'succeeded', at: 9_000 });
    expect(command.timeline.at(-2)).toMatchObject({ state: 'in-progress', at: 2_199 });
  });

  it('is bounded without progress too: the request stays', () => {
    const attempts = Array.from({ length: 200 }, (_, index) => step('sent', 2_000 + index, index + 1));
    const command = fold(step('requested'), ...attempts);
    expect(command.timeline).toHaveLength(MAX_TIMELINE);
    expect(command.timeline[0]).toMatchObject({ state: 'requested' });
    expect(command.timeline.at(-1)).toMatchObject({ at: 2_199 });
  });
});

describe('deadlineOf', () => {
  it('gives the request its time to live until it is sent', () => {
    expect(deadlineOf(inState('requested'))).toEqual({ kind: 'expired', at: 11_000 });
  });

  it('counts the device’s time from delivery, and from sending while there is no PUBACK', () => {
    expect(deadlineOf(fold(step('requested'), step('sent', 1_100)))).toEqual({
      kind: 'timed-out',
      at: 31_100,
    });
    const delivered = fold(step('requested'), step('sent', 1_100), step('delivered', 1_200));
    expect(deadlineOf(delivered)).toEqual({ kind: 'timed-out', at: 31_200 });
  });

  it('is not moved by progress', () => {
    const command = fold(
      step('requested'),
      step('sent', 1_100),
      step('delivered', 1_200),
      step('in-progress', 20_000),
    );
    expect(deadlineOf(command)).toEqual({ kind: 'timed-out', at: 31_200 });
  });

  it.each(FINAL)('is none after "%s"', (state) => {
    expect(deadlineOf(inState(state))).toBeUndefined();
  });
});
