import {
  encodeEvent,
  encodeTelemetry,
  identify,
  isRejection,
  mintedId,
  parseConditionEvent,
  parseTelemetry,
  parseUpTopic,
  PRESENCE_EVENTS,
  reject,
  type Rejection,
  type TelemetryMessage,
} from '@fieldgate/contracts';
import type { LogWriter, NewRecord } from '@fieldgate/commit-log';
import { RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import type { AcceptResponse } from '../commands/accept-response.js';
import { counts, refusedTotal } from '../gateway.metrics.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { deadLetterOf } from './dead-letter-of.js';
import type { IngestOutcome, InboundPublish } from './publish.js';

type Settled = (outcome: IngestOutcome) => void;

/** A message on its way; `element` of an array, when it is one of several records. */
interface Arrival {
  readonly session: DeviceSession;
  readonly publish: InboundPublish;
  readonly settled: Settled;
  readonly element?: number;
}

/**
 * From a device's PUBLISH to a durable record: the middle of the gateway. Nothing on this way waits for a promise; `settled` is called
 * once, from the log, when the message may be answered.
 */
export class IngestPublish {
  private minted = 0;
  private readonly lines: RepeatedLines;

  constructor(
    private readonly gateway: { readonly gatewayId: string; readonly boot: string },
    private readonly writer: LogWriter,
    private readonly responses: AcceptResponse,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.lines = new RepeatedLines(logger, clock);
  }

  ingest(session: DeviceSession, publish: InboundPublish, settled: Settled): void {
    const arrival = { session, publish, settled };
    if (!publish.topic.startsWith(session.topicPrefix)) return this.forbid(arrival);
    const rest = publish.topic.slice(session.topicPrefix.length);
    if (rest === 'telemetry') return this.telemetry(arrival);
    const topic = parseUpTopic(rest);
    switch (topic?.kind) {
      case undefined:
        counts.publishes.other += 1;
        return this.refuse(arrival, reject('topic-unknown'));
      case 'telemetry':
        return this.telemetry(arrival);
      case 'event':
        counts.publishes.event += 1;
        return this.event(arrival, topic.eventType);
      case 'response':
        counts.publishes.response += 1;
        return this.response(arrival, topic);
    }
  }

  private telemetry(arrival: Arrival): void {
    counts.publishes.telemetry += 1;
    const { session, publish, settled } = arrival;
    const payload = parseTelemetry(publish.payload);
    if (isRejection(payload)) return this.refuse(arrival, payload);
    if (payload.kind === 'one') return this.append(arrival, this.telemetryRecord(session, payload.message));

    // one PUBACK after the last of the array
    const each = joined(payload.elements.length, settled);
    for (const [index, element] of payload.elements.entries()) {
      const one = { session, publish, settled: each, element: index };
      if (isRejection(element)) {
        this.refuse(one, element);
        continue;
      }
      const message = element.id === undefined ? element : { ...element, id: `${element.id}/${index}` };
      this.append(one, this.telemetryRecord(session, message));
    }
  }

  private telemetryRecord(session: DeviceSession, message: TelemetryMessage): NewRecord {
    const now = this.clock.now();
    const identity = identify(message, now, this.mint);
    return {
      topic: 'fieldgate.telemetry.v1',
      key: session.deviceId,
      value: encodeTelemetry(session.writer, message, identity, now),
    };
  }

  private event(arrival: Arrival, eventType: string): void {
    if (PRESENCE_EVENTS.includes(eventType)) {
      return this.refuse(arrival, reject('topic-unknown', `"${eventType}" is told by the gateway itself`));
    }
    const message = parseConditionEvent(arrival.publish.payload);
    if (isRejection(message)) return this.refuse(arrival, message);
    const now = this.clock.now();
    const { deviceId } = arrival.session;
    const event = { ...message, deviceId, event: eventType, gatewayId: this.gateway.gatewayId };
    const value = encodeEvent(event, identify(message, now, this.mint), now);
    this.append(arrival, { topic: 'fieldgate.events.v1', key: deviceId, value });
  }

  private response(arrival: Arrival, topic: { readonly commandId: string; readonly status?: number }): void {
    const record = this.responses.recordOf(arrival.session, arrival.publish, topic);
    if (isRejection(record)) return this.refuse(arrival, record);
    this.append(arrival, record);
  }

  private append(arrival: Arrival, record: NewRecord): void {
    counts.records += 1;
    // what `append` returns is not looked at: a connection reads no more than its in-flight limit of what is not answered
    this.writer.append(record, (error) => {
      if (!error) return arrival.settled('acknowledge'); // durable from here: PUBACK
      if (error.retriable) return arrival.settled('unavailable');
      this.refuse(arrival, reject(error.code, error.message));
    });
  }

  /** Final: a resend would be refused again, so the bytes are kept as a dead letter and the message is acknowledged. */
  private refuse({ session, publish, settled, element }: Arrival, rejection: Rejection): void {
    const { code } = rejection;
    refusedTotal.inc({ code });
    this.logger.debug({ deviceId: session.deviceId, topic: publish.topic, code }, 'message refused');
    const letter = { id: this.mint(), gatewayId: this.gateway.gatewayId, atMs: this.clock.now() };
    const record = deadLetterOf(
      session,
      publish,
      rejection,
      element === undefined ? letter : { ...letter, element },
    );
    counts.records += 1;
    this.writer.append(record, (error) => {
      if (error?.retriable) return settled('unavailable');
      if (error)
        this.logger.error({ deviceId: session.deviceId, code, err: error }, 'dead letter refused by the log');
      settled(rejection);
    });
  }

  private forbid({ session, publish, settled }: Arrival): void {
    counts.publishes.other += 1;
    refusedTotal.inc({ code: 'topic-forbidden' });
    const topic = publish.topic.slice(0, 256);
    const { deviceId } = session;
    this.lines.log(
      'warn',
      `publish ${deviceId}`,
      { deviceId, topic, code: 'topic-forbidden' },
      'publish refused',
    );
    settled('forbidden');
  }

  private readonly mint = (): string => mintedId(this.gateway.boot, (this.minted += 1));
}

/** Calls `settled` once, after `count` calls, with the worst outcome of them: an outage, else the first rejection. */
function joined(count: number, settled: Settled): Settled {
  let open = count;
  let worst: IngestOutcome = 'acknowledge';
  return (outcome) => {
    if (outcome === 'unavailable' || (worst === 'acknowledge' && outcome !== 'acknowledge')) worst = outcome;
    open -= 1;
    if (open === 0) settled(worst);
  };
}
