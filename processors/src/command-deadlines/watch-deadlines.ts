import { deadlineOf, encodeCommandStep, type Command, type CommandStep } from '@fieldgate/contracts';
import { appended, type CommitLog, type LogBatch } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { Refusal } from '../delivery/deliver-batch.js';
import { PartitionCommands } from '../partition-commands.js';

const deadlinesTotal = new Counter({
  name: 'fieldgate_command_deadlines_total',
  help: 'Commands whose time was up, by the step that was written',
  labelNames: ['step'],
});

/**
 * Writes `expired` for a command that was not sent within its ttl, and `timed-out` for one that was not answered within its timeout. The fold
 * decides: when an answer came first, the step counts for nothing. So it does no harm when two members write for the same command
 * while a partition moves.
 */
export class WatchDeadlines {
  private readonly partitions = new Map<number, PartitionCommands>();
  /** Written, not read back yet: a deadline is written once per member. */
  private readonly written = new Set<string>();

  constructor(
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  async follow(batch: LogBatch): Promise<readonly Refusal[]> {
    const known = this.partitions.get(batch.partition);
    const commands =
      known?.assignment === batch.assignment ? known : await PartitionCommands.before(batch, this.log.reader);
    this.partitions.set(batch.partition, commands);
    const folded = commands.fold(batch.records);
    folded.commit(); // folding the same steps again changes nothing here but a late answer, which has no deadline
    for (const { command } of folded.changed) if (!deadlineOf(command)) this.written.delete(command.id);
    return folded.refused;
  }

  /** Writes what is due; called by a timer. */
  async due(): Promise<void> {
    const now = this.clock.now();
    const due: CommandStep[] = [];
    for (const [partition, commands] of this.partitions) {
      if (!commands.assignment.isHeld()) {
        this.partitions.delete(partition);
        continue;
      }
      for (const command of commands.openCommands()) {
        const step = dueStep(command, now);
        if (step && !this.written.has(command.id)) due.push(step);
      }
    }
    await Promise.all(due.map((step) => this.write(step)));
  }

  private async write(step: CommandStep): Promise<void> {
    this.written.add(step.commandId);
    try {
      await appended(this.log.writer, {
        topic: 'fieldgate.commands.v1',
        key: step.deviceId,
        value: encodeCommandStep(step, `${step.commandId}-${step.step}`),
      });
      deadlinesTotal.inc({ step: step.step });
    } catch (error) {
      this.written.delete(step.commandId); // with the log away the next round tries again
      this.logger.warn({ commandId: step.commandId, step: step.step, err: error }, 'deadline not written');
    }
  }
}

function dueStep(command: Command, now: number): CommandStep | undefined {
  const deadline = deadlineOf(command);
  if (!deadline || deadline.at > now) return undefined;
  const detail =
    deadline.kind === 'expired'
      ? `not sent within its ttl of ${command.ttlMs / 1000} s`
      : `no final answer within ${command.timeoutMs / 1000} s`;
  return { step: deadline.kind, commandId: command.id, deviceId: command.deviceId, at: now, detail };
}
