import {
  decodeCommandStep,
  foldCommand,
  isFinal,
  isRejection,
  type Command,
  type CommandStep,
} from '@fieldgate/contracts';
import { FinishedCommands } from './finished-commands.js';
import type { Consumption, LogReader } from './log-reader.js';
import type { LogPosition, LogRecord } from './log-record.js';
import type { Unsubscribe } from './log-table.js';
import { OffsetGate } from './offset-gate.js';
import { unreadableRecords } from './unreadable-records.js';

/** What a step made of a command; the very same object twice when it counted for nothing. */
export type CommandListener = (
  command: Command,
  previous: Command | undefined,
  step: CommandStep,
  at: LogPosition,
) => void;

/** Finished commands that are remembered. */
const FINISHED_KEPT = 10_000;

/** All open commands and the newest finished ones, folded from `fieldgate.commands.v1` in the order of the log, and kept up to date. */
export class CommandsView {
  private readonly unfinished = new Map<string, Command>();
  private readonly finished: FinishedCommands;
  private readonly openOfDevice = new Map<string, Set<string>>();
  private readonly listeners = new Set<CommandListener>();
  private readonly gate = new OffsetGate();
  private consumption: Consumption | undefined;

  constructor(
    private readonly reader: LogReader,
    private readonly supervision: {
      failed: (error: unknown) => void;
      unreadable: (record: LogRecord) => void;
    },
    finishedKept = FINISHED_KEPT,
  ) {
    this.finished = new FinishedCommands({ count: finishedKept });
  }

  async start(): Promise<void> {
    this.consumption = await this.reader.follow(
      'fieldgate.commands.v1',
      'earliest',
      (records) => records.forEach((record) => this.apply(record)),
      {
        failed: this.supervision.failed,
        reached: (partition, nextOffset) => this.gate.advance(partition, nextOffset),
      },
    );
  }

  async stop(): Promise<void> {
    await this.consumption?.stop();
  }

  /** Open, or finished not long ago. */
  get(commandId: string): Command | undefined {
    return this.unfinished.get(commandId) ?? this.finished.get(commandId);
  }

  open(): IterableIterator<Command> {
    return this.unfinished.values();
  }

  /** The finished ones that are remembered, the oldest first. */
  recent(): IterableIterator<Command> {
    return this.finished.values();
  }

  /** The open commands of a device, in the order of their requests. */
  ofDevice(deviceId: string): readonly Command[] {
    const ids = this.openOfDevice.get(deviceId);
    if (!ids) return [];
    return [...ids].flatMap((id) => this.unfinished.get(id) ?? []);
  }

  /** Called for every step from now on, in the order of the log. */
  changes(listener: CommandListener): Unsubscribe {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when the view holds everything that was in the topic at the time of the call. */
  async caughtUp(): Promise<void> {
    await this.gate.reachedAll(await this.reader.bounds('fieldgate.commands.v1'));
  }

  /** Resolves when the step at this position has been folded. */
  reached(at: LogPosition): Promise<void> {
    return this.gate.reached(at);
  }

  private apply(record: LogRecord): void {
    const step = record.value && decodeCommandStep(record.value);
    if (!step || isRejection(step)) {
      unreadableRecords.inc({ topic: record.topic });
      return this.supervision.unreadable(record);
    }
    const previous = this.get(step.commandId);
    const command = foldCommand(previous, step);
    if (!command) return; // a step of a command whose request has expired from the log
    if (command !== previous) this.keep(command);
    for (const listener of this.listeners)
      listener(command, previous, step, { partition: record.partition, offset: record.offset });
  }

  private keep(command: Command): void {
    const { id, deviceId } = command;
    if (!isFinal(command.state)) {
      this.unfinished.set(id, command);
      const ids = this.openOfDevice.get(deviceId);
      if (ids) ids.add(id);
      else this.openOfDevice.set(deviceId, new Set([id]));
      return;
    }
    this.unfinished.delete(id);
    const ids = this.openOfDevice.get(deviceId);
    ids?.delete(id);
    if (ids?.size === 0) this.openOfDevice.delete(deviceId);
    this.finished.keep(command);
  }
}
