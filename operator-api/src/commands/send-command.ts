import { CommandsView } from '@fieldgate/commit-log';
import {
  encodeCommandStep,
  FieldgateError,
  isFinal,
  type Command,
  type CommandStep,
  type SessionRecord,
} from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import { isSubscribed, PresenceOfDevices } from '../devices/presence.js';
import { Registry } from '../devices/registry.js';
import { DurableAppend } from '../durable-append.js';
import { Problem } from '../http/problem.js';
import { bodyHashOf, commandIdOf } from './command-identity.js';
import type { NewCommand } from './command-requests.js';
import { FindCommand } from './find-command.js';

/** There is one key, and so one operator. */
const OPERATOR = 'admin';

/** The steps that operators write. Each is durable and read back before it is answered: what the fold says is what happened. */
@Injectable()
export class SendCommand {
  constructor(
    private readonly registry: Registry,
    private readonly presence: PresenceOfDevices,
    private readonly known: FindCommand,
    private readonly commands: CommandsView,
    private readonly durable: DurableAppend,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The same Idempotency-Key with the same body is the same command, on any instance: its id is made of the key, and the fold takes the first. */
  async request(deviceId: string, command: NewCommand, idempotencyKey: string | undefined): Promise<Command> {
    this.registry.get(deviceId);
    const id = commandIdOf(OPERATOR, deviceId, idempotencyKey);
    const bodyHash = bodyHashOf(command);
    const earlier = idempotencyKey === undefined ? undefined : await this.known.find(id);
    if (earlier) return sameBody(earlier, bodyHash);
    const session = this.readySession({ deviceId, id, name: command.name });
    const requested = await this.step({
      step: 'requested',
      commandId: id,
      deviceId,
      at: this.clock.now(),
      name: command.name,
      params: command.params,
      mode: command.mode,
      ttlMs: Math.round(command.ttlSeconds * 1000),
      timeoutMs: Math.round(command.timeoutSeconds * 1000),
      requestedBy: OPERATOR,
      forConnection: session.connection,
      bodyHash,
    });
    return sameBody(requested, bodyHash);
  }

  /** Answers with the cancelled command; when another final step came first, that one has won, and this is a 409. */
  async cancel(id: string): Promise<Command> {
    const command = await this.known.get(id);
    if (isFinal(command.state)) throw finished(command);
    const after = await this.step({
      step: 'cancelled',
      commandId: id,
      deviceId: command.deviceId,
      at: this.clock.now(),
      detail: `cancelled by ${OPERATOR}`,
    });
    if (after.state !== 'cancelled') throw finished(after);
    return after;
  }

  /** An interactive command does not wait: the connection that is there now takes it, or none. */
  private readySession(command: { deviceId: string; id: string; name: string }): SessionRecord {
    const session = this.presence.session(command.deviceId);
    if (!session) throw new Problem('device-offline', `"${command.deviceId}" is not connected`);
    if (!isSubscribed(session, command)) {
      const filter = `devices/${command.deviceId}/commands/#`;
      throw new Problem(
        'device-offline',
        `"${command.deviceId}" is connected, but not subscribed to ${filter}`,
      );
    }
    return session;
  }

  /** Durable, read back, and what the command is after it. */
  private async step(step: CommandStep): Promise<Command> {
    // an operator writes each step once per command, or the same one again: its name tells it from the others
    const value = encodeCommandStep(step, `${OPERATOR}-${step.step}`);
    await this.durable.append({ topic: 'fieldgate.commands.v1', key: step.deviceId, value }, (at) =>
      this.commands.reached(at),
    );
    const command = this.commands.get(step.commandId);
    if (!command) throw new FieldgateError('internal-error', 'a command was read back and is not there');
    return command;
  }
}

function sameBody(command: Command, bodyHash: string): Command {
  if (command.bodyHash === bodyHash) return command;
  throw new Problem(
    'idempotency-conflict',
    `the key belongs to command ${command.id}, which has another body`,
  );
}

function finished(command: Command): Problem {
  return new Problem('command-finished', `the command is ${command.state} already`);
}
