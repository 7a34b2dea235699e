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

interface Partition {
  readonly commands: PartitionCommands;
  /** The step that was written for a command and is not final here yet: a deadline is written once per member, and each kind for itself. */
  readonly written: Map<string, CommandStep['step']>;
}

/**
 * Writes `expired` for a command that was not sent within its ttl, and `timed-out` for one that was not answered within its timeout. The fold
 * decides: when an answer came first, the step counts for nothing. So it does no harm when two members write for the same command
 * while a partition moves.
 */
export class WatchDeadlines {
  private readonly partitions = new Map<number, Partition>();

  constructor(
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  async follow(batch: LogBatch): Promise<readonly Refusal[]> {
    const { commands, written } = await this.partitionOf(batch);
    const folded = commands.fold(batch.records);
    folded.commit(); // folding the same steps again changes nothing here but a late answer, which has no deadline
    for (const { command } of folded.changed) if (!deadlineOf(command)) written.delete(command.id);
    return folded.refused;
  }

  /** Writes what is due; called by a timer. */
  async due(): Promise<void> {
    const now = this.clock.now();
    const writes: Promise<void>[] = [];
    for (const [number, { commands, written }] of this.partitions) {
      if (!commands.assignment.isHeld()) {
        this.partitions.delete(number);
        continue;
      }
      for (const command of commands.openCommands()) {
        const step = dueStep(command, now);
        if (step && written.get(command.id) !== step.step) writes.push(this.write(step, written));
      }
    }
    await Promise.all(writes);
  }

  private async partitionOf(batch: LogBatch): Promise<Partition> {
    const known = this.partitions.get(batch.partition);
    if (known?.commands.assignment === batch.assignment) return known;
    const commands = await PartitionCommands.before(batch, this.log.reader);
    const partition: Partition = { commands, written: new Map() };
    this.partitions.set(batch.partition, partition);
    return partition;
  }

  private async write(step: CommandStep, written: Partition['written']): Promise<void> {
    written.set(step.commandId, step.step);
    try {
      await appended(this.log.writer, {
        topic: 'fieldgate.commands.v1',
        key: step.deviceId,
        value: encodeCommandStep(step, `${step.commandId}-${step.step}`),
      });
      deadlinesTotal.inc({ step: step.step });
    } catch (error) {
      written.delete(step.commandId); // with the log away the next round tries again
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
