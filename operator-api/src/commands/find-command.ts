import { CommandsView } from '@fieldgate/commit-log';
import { isFinal, type Command } from '@fieldgate/contracts';
import { TELEMETRY_STORE, type TelemetryStore } from '@fieldgate/telemetry-store';
import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '../http/problem.js';
import type { CommandsRequest } from './command-requests.js';

const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Open and recent commands are known from the log, the older finished ones are in the store. What the log says is newer. */
@Injectable()
export class FindCommand {
  constructor(
    private readonly commands: CommandsView,
    @Inject(TELEMETRY_STORE) private readonly store: TelemetryStore,
  ) {}

  /** Or 404. */
  async get(id: string): Promise<Command> {
    const command = COMMAND_ID.test(id) ? await this.find(id) : undefined;
    if (!command) throw new Problem('command-not-found', `no command "${id.slice(0, 64)}" is known`);
    return command;
  }

  async find(id: string): Promise<Command | undefined> {
    return this.commands.get(id) ?? this.store.command(id);
  }

  /** The newest requested first. */
  async list(query: CommandsRequest): Promise<readonly Command[]> {
    const found = new Map<string, Command>();
    for (const command of await this.fromStore(query)) found.set(command.id, command);
    for (const command of this.fromLog()) found.set(command.id, command);
    return [...found.values()]
      .filter((command) => query.device === undefined || command.deviceId === query.device)
      .filter((command) => query.state === undefined || command.state === query.state)
      .toSorted((a, b) => b.requestedAt - a.requestedAt || (a.id < b.id ? -1 : 1))
      .slice(0, query.limit);
  }

  private async fromStore(query: CommandsRequest): Promise<readonly Command[]> {
    if (query.state !== undefined && !isFinal(query.state)) return []; // only finished commands are there
    return this.store.commands({
      limit: query.limit,
      ...(query.device === undefined ? {} : { deviceId: query.device }),
      ...(query.state === undefined ? {} : { state: query.state }),
    });
  }

  private *fromLog(): IterableIterator<Command> {
    yield* this.commands.recent();
    yield* this.commands.open();
  }
}
