import { encodeCommandStep, type Command, type CommandStep } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HALF_HOUR, VerifiedLog } from '../testing/verified-log.js';

const TOPIC = 'fieldgate.commands.v1';
const REQUEST = {
  name: 'restart',
  params: undefined,
  mode: 'interactive',
  ttlMs: 1_000,
  timeoutMs: 1_000,
  requestedBy: 'admin',
  bodyHash: '',
} as const;
const BEGUN = { deviceId: 'pump-1', at: HALF_HOUR } as const;
const SENT = { ...BEGUN, step: 'sent', gateway: 'g', connection: 'c', attempt: 1, qos: 1 } as const;
const EXPIRED = { ...BEGUN, step: 'expired', detail: 'not sent in time' } as const;
const TIMED_OUT = { ...BEGUN, step: 'timed-out', detail: 'no answer' } as const;
const ANSWERED = { ...BEGUN, step: 'succeeded', status: 200, body: { encoding: 'none' } } as const;

let log: VerifiedLog;
let steps = 0;

beforeEach(async () => {
  log = await new VerifiedLog().start();
});

afterEach(() => log.stop());

/** In the log, and known to the API. */
async function append(step: CommandStep): Promise<void> {
  log.api.clock.ms = HALF_HOUR;
  const value = encodeCommandStep(step, `step-${++steps}`);
  await log.api.seen(TOPIC, await log.append(TOPIC, step.deviceId, value));
}

async function store(id: string, state: Command['state']): Promise<void> {
  const record = { ...REQUEST, ...BEGUN, id, state, requestedAt: HALF_HOUR, timeline: [] };
  await log.api.store.write([{ kind: 'command', record }]);
}

describe('GET /v1/ledger/verify, of steps of commands that could not follow any more', () => {
  it('waits as long as the command goes on, and then names the step that has ended it', async () => {
    await append({ ...BEGUN, ...REQUEST, commandId: 'open', step: 'requested' });
    await append({ ...SENT, commandId: 'open' });
    await append({ ...EXPIRED, commandId: 'open' });
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({ checked: 1, pending: 1, missingTotal: 0 });
    await append({ ...TIMED_OUT, commandId: 'open' });
    await log.storageHasPassed();
    const named = [{ topic: TOPIC, offset: 3, id: 'open' }];
    expect(await log.verified()).toMatchObject({ checked: 2, pending: 1, missingTotal: 1, missing: named });
    await store('open', 'timed-out');
    expect(await log.verified()).toMatchObject({ checked: 2, stored: 2, missingTotal: 0 });
  });

  it('asks for no answer to a command that was never sent', async () => {
    await append({ ...BEGUN, ...REQUEST, commandId: 'unsent', step: 'requested' });
    await append({ ...ANSWERED, commandId: 'unsent' });
    await append({ ...EXPIRED, commandId: 'unsent' });
    await store('unsent', 'expired');
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({ checked: 2, stored: 2, missingTotal: 0 });
  });

  it('asks for an answer that has come late', async () => {
    await append({ ...BEGUN, ...REQUEST, commandId: 'late', step: 'requested' });
    await append({ ...SENT, commandId: 'late' });
    await append({ ...TIMED_OUT, commandId: 'late' });
    await append({ ...ANSWERED, commandId: 'late' });
    await store('late', 'timed-out');
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({ checked: 2, stored: 1, missingTotal: 1 });
  });
});
