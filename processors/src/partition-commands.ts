import { decodeCommandStep, foldCommand, isFinal, isRejection, type Command } from '@fieldgate/contracts';
import {
  FinishedCommands,
  type LogBatch,
  type LogReader,
  type LogRecord,
  type PartitionAssignment,
} from '@fieldgate/commit-log';
import type { Refusal } from './delivery/deliver-batch.js';

/** Finished commands remembered per partition, for answers that come late. */
const FINISHED_KEPT = 5_000;

/** What a batch of steps changes: nothing is changed until `commit`, because a batch may come again. */
export interface FoldedBatch {
  /** The commands that the batch has changed, in the order of their last change, each with the index of the record that made it. */
  readonly changed: readonly { readonly command: Command; readonly index: number }[];
  readonly refused: readonly Refusal[];
  commit(): void;
}

/** The commands of one partition of `fieldgate.commands.v1`, folded by a processor that holds it. */
export class PartitionCommands {
  private readonly open = new Map<string, Command>();
  private readonly finished = new FinishedCommands({ count: FINISHED_KEPT });

  private constructor(readonly assignment: PartitionAssignment) {}

  /** All that the topic still holds from before the batch, so that a restart or a rebalance changes nothing. */
  static async before(batch: LogBatch, reader: LogReader): Promise<PartitionCommands> {
    const commands = new PartitionCommands(batch.assignment);
    for await (const record of reader.read(batch.topic, {
      partition: batch.partition,
      from: 0,
      to: batch.from,
    })) {
      commands.fold([record]).commit();
    }
    return commands;
  }

  fold(records: readonly LogRecord[]): FoldedBatch {
    const changed = new Map<string, { readonly command: Command; readonly index: number }>();
    const refused: Refusal[] = [];
    for (const [index, record] of records.entries()) {
      const step = record.value ? decodeCommandStep(record.value) : undefined;
      if (!step) continue;
      if (isRejection(step)) {
        refused.push({ index, code: step.code, detail: step.detail });
        continue;
      }
      const before = changed.get(step.commandId)?.command ?? this.get(step.commandId);
      const after = foldCommand(before, step);
      if (!after || after === before) continue;
      changed.delete(after.id);
      changed.set(after.id, { command: after, index });
    }
    return {
      changed: [...changed.values()],
      refused,
      commit: () => changed.forEach(({ command }) => this.keep(command)),
    };
  }

  openCommands(): IterableIterator<Command> {
    return this.open.values();
  }

  private get(id: string): Command | undefined {
    return this.open.get(id) ?? this.finished.get(id);
  }

  private keep(command: Command): void {
    if (!isFinal(command.state)) {
      this.open.set(command.id, command);
      return;
    }
    this.open.delete(command.id);
    this.finished.keep(command);
  }
}
