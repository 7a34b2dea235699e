import { encodeCommandStep, type CommandStep } from '@fieldgate/contracts';
import { appended, type CommitLog } from '@fieldgate/commit-log';

/** Asks for a command to `pump-7`, as the operator API does. */
export async function requestCommand(log: CommitLog, commandId = 'c-1'): Promise<void> {
  const requested: CommandStep = {
    step: 'requested',
    commandId,
    deviceId: 'pump-7',
    at: Date.now(),
    name: 'set-speed',
    params: { rpm: 1200 },
    mode: 'interactive',
    ttlMs: 5_000,
    timeoutMs: 5_000,
    requestedBy: 'admin',
    bodyHash: 'x',
  };
  const value = encodeCommandStep(requested, `${commandId}-requested`);
  await appended(log.writer, { topic: 'fieldgate.commands.v1', key: 'pump-7', value });
}
