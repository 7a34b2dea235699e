import {
  commandTopic,
  encodeCommandStep,
  filterMatches,
  isFinal,
  responseTopic,
  type Command,
  type CommandStep,
} from '@fieldgate/contracts';
import type { CommandsView, LogWriter } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { commandStepsTotal } from '../gateway.metrics.js';
import type { DeviceSession, OutboundCommand } from '../sessions/device-session.js';
import type { SessionRegistry } from '../sessions/session-registry.js';

/** Commands that one device may have unanswered at a time; more are undeliverable at once. */
const MAX_OPEN_PER_DEVICE = 64;

const TOO_LARGE = 'is larger than the Maximum Packet Size of the device';
const DROPPED = {
  'too-large': `the request ${TOO_LARGE}`,
  'queue-full': 'too much waits for the device',
  expired: 'earlier messages for the device took too long',
} as const;

type Attempt = NonNullable<Command['attempt']>;

/**
 * Takes commands from the log to the devices connected here. Nothing is sent on a hunch: `requested` makes the gateway of the newest session
 * write `sent`, and only when that step is read back, and counted, the request goes out. So a cancellation that came first wins.
 */
export class DeliverCommands {
  constructor(
    private readonly gateway: { readonly gatewayId: string; readonly boot: string },
    private readonly commands: CommandsView,
    private readonly sessions: SessionRegistry,
    private readonly writer: LogWriter,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.commands.changes((command, previous) => this.onCommand(command, previous));
    this.sessions.onReady((session) => this.onReady(session));
  }

  private onCommand(command: Command, previous: Command | undefined): void {
    if (command === previous) return;
    if (command.state === 'requested') this.take(command);
    if (command.state === 'sent' && previous?.attempt?.number !== command.attempt?.number) this.send(command);
  }

  /** A session has become usable; what was requested for it in the meantime waits for it. */
  private onReady(session: DeviceSession): void {
    for (const command of this.commands.ofDevice(session.deviceId)) {
      if (command.state === 'requested') this.take(command);
    }
  }

  private take(command: Command): void {
    const session = this.sessions.get(command.deviceId);
    if (!session) return this.takeForNobody(command);
    if (session.standing !== 'newest') return; // comes again through onReady, or is another gateway's
    if (this.clock.now() >= command.requestedAt + command.ttlMs) return; // command-deadlines writes `expired`
    if (command.forConnection !== undefined && command.forConnection !== session.connection) {
      return this.undeliverable(command, 'the device has connected anew since the request');
    }
    const qos = commandQos(session, command);
    if (qos === undefined) {
      return this.undeliverable(command, 'the device is not subscribed to its commands');
    }
    if (this.openOf(session.deviceId) > MAX_OPEN_PER_DEVICE) {
      return this.undeliverable(command, `the device has ${MAX_OPEN_PER_DEVICE} unanswered commands`);
    }
    const { gatewayId: gateway } = this.gateway;
    const { connection } = session;
    const at = this.clock.now();
    const attempt = { number: 1, gateway, connection, qos, sentAt: at };
    if (!session.link.fits(this.requestFor(session, command, attempt)))
      return this.undeliverable(command, `the request ${TOO_LARGE}`);
    this.step({
      step: 'sent',
      commandId: command.id,
      deviceId: command.deviceId,
      at,
      gateway,
      connection,
      attempt: 1,
      qos,
    });
  }

  /** The device's last session was this gateway's and is over: nobody else will say so. */
  private takeForNobody(command: Command): void {
    const newest = this.sessions.newest(command.deviceId);
    if (newest?.boot !== this.gateway.boot) return;
    this.undeliverable(command, 'the device is not connected');
  }

  private send(command: Command): void {
    const { attempt } = command;
    const session = this.sessions.get(command.deviceId);
    if (!attempt || !session || session.connection !== attempt.connection) return; // not ours, or gone: it will time out
    const { deviceId, id: commandId } = command;
    const sent = session.link.send(this.requestFor(session, command, attempt));
    if (!sent) this.logger.info({ deviceId, commandId }, 'connection ended before the command went out');
  }

  private requestFor(session: DeviceSession, command: Command, attempt: Attempt): OutboundCommand {
    const { deviceId, id: commandId } = command;
    const { gateway, connection, number } = attempt;
    return {
      topic: commandTopic(command),
      payload: Buffer.from(command.params === undefined ? '' : JSON.stringify(command.params)),
      qos: attempt.qos === 0 ? 0 : 1,
      properties: {
        responseTopic: responseTopic(command),
        correlationData: Buffer.from(commandId, 'latin1'),
        messageExpirySeconds: Math.max(
          1,
          Math.ceil((attempt.sentAt + command.timeoutMs - this.clock.now()) / 1000),
        ),
        contentType: 'application/json',
        subscriptionIdentifiers: identifiersOf(session, command),
      },
      acknowledged: () => {
        const at = this.clock.now();
        this.step({ step: 'delivered', commandId, deviceId, at, gateway, connection, attempt: number });
      },
      dropped: (why) => this.dropped(command, why),
    };
  }

  /** `sent` stands in the log already, and only one final step can follow it without an answer. Nobody has to wait for the deadline. */
  private dropped(command: Command, why: keyof typeof DROPPED): void {
    this.logger.warn({ deviceId: command.deviceId, commandId: command.id, why }, 'command not sent');
    this.step({ ...stepOf(command, this.clock), step: 'timed-out', detail: `never sent: ${DROPPED[why]}` });
  }

  private undeliverable(command: Command, detail: string): void {
    this.step({ ...stepOf(command, this.clock), step: 'undeliverable', detail });
  }

  private openOf(deviceId: string): number {
    let open = 0;
    for (const command of this.commands.ofDevice(deviceId)) if (!isFinal(command.state)) open += 1;
    return open;
  }

  private step(step: CommandStep): void {
    commandStepsTotal.inc({ step: step.step });
    const id = `${step.commandId}-${step.step}-${this.gateway.boot}`;
    this.writer.append(
      { topic: 'fieldgate.commands.v1', key: step.deviceId, value: encodeCommandStep(step, id) },
      (error) => {
        // not written: a `sent` leaves the command requested, and it expires; a `delivered` leaves it sent, and it times out or is answered
        if (error)
          this.logger.warn(
            { commandId: step.commandId, step: step.step, code: error.code },
            'command step not written',
          );
      },
    );
  }
}

function stepOf(command: Command, clock: Clock): { commandId: string; deviceId: string; at: number } {
  return { commandId: command.id, deviceId: command.deviceId, at: clock.now() };
}

/** The best QoS that the device's subscriptions grant for this request; undefined when none matches. */
export function commandQos(
  session: Pick<DeviceSession, 'subscriptions'>,
  command: { deviceId: string; id: string; name: string },
): 0 | 1 | undefined {
  const topic = commandTopic(command);
  let best: 0 | 1 | undefined;
  for (const { filter, qos } of session.subscriptions) {
    if (filterMatches(filter, topic)) best = best === 1 || qos > 0 ? 1 : 0;
  }
  return best;
}

/** Subscription Identifiers of all subscriptions that match this request: one message carries them all ([MQTT-3.3.4-4]). */
function identifiersOf(session: Pick<DeviceSession, 'subscriptions'>, command: Command): readonly number[] {
  const topic = commandTopic(command);
  return session.subscriptions.flatMap(({ filter, identifier }) =>
    identifier !== undefined && filterMatches(filter, topic) ? [identifier] : [],
  );
}
