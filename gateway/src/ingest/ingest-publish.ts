import {
  encodeEvent,
  encodeTelemetry,
  identify,
  isRejection,
  parseConditionEvent,
  parseTelemetry,
  parseUpTopic,
  PRESENCE_EVENTS,
  reject,
  type FieldgateError,
  type Rejection,
  type TelemetryMessage,
} from '@fieldgate/contracts';
import type { LogWriter, NewRecord } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import type { AcceptResponse } from '../commands/accept-response.js';
import { counts, refusedTotal } from '../gateway.metrics.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { mayPublish } from '../sessions/topic-access.js';
import { deadLetterOf } from './dead-letter-of.js';
import type { IngestOutcome, InboundPublish } from './publish.js';

type Settled = (outcome: IngestOutcome) => void;

/**
 * From a device's PUBLISH to a durable record: the middle of the gateway. Nothing on this way waits for a promise; `settled` is called
 * once, from the log, when the message may be answered.
 */
export class IngestPublish {
  private minted = 0;

  constructor(
    private readonly gateway: { readonly gatewayId: string; readonly boot: string },
    private readonly writer: LogWriter,
    private readonly responses: AcceptResponse,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  ingest(session: DeviceSession, publish: InboundPublish, settled: Settled): void {
    if (!publish.topic.startsWith(session.topicPrefix)) return this.forbid(session, publish, settled);
    const rest = publish.topic.slice(session.topicPrefix.length);
    if (rest === 'telemetry') return this.telemetry(session, publish, settled);
    const topic = parseUpTopic(rest);
    switch (topic?.kind) {
      case undefined:
        counts.publishes.other += 1;
        return this.refuse(session, publish, reject('topic-unknown'), settled);
      case 'telemetry':
        return this.telemetry(session, publish, settled);
      case 'event':
        counts.publishes.event += 1;
        return this.event(session, publish, topic.eventType, settled);
      case 'response':
        counts.publishes.response += 1;
        return this.response(session, publish, topic, settled);
    }
  }

  private telemetry(session: DeviceSession, publish: InboundPublish, settled: Settled): void {
    counts.publishes.telemetry += 1;
    const payload = parseTelemetry(publish.payload);
    if (isRejection(payload)) return this.refuse(session, publish, payload, settled);
    if (payload.kind === 'one') return this.append(this.telemetryRecord(session, payload.message), settled);

    // one PUBACK after the last of the array
    const each = joined(payload.elements.length, settled);
    payload.elements.forEach((element, index) => {
      if (isRejection(element)) return this.refuse(session, publish, element, each, index);
      const message = element.id === undefined ? element : { ...element, id: `${element.id}/${index}` };
      this.append(this.telemetryRecord(session, message), each);
    });
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

  private event(session: DeviceSession, publish: InboundPublish, eventType: string, settled: Settled): void {
    if (PRESENCE_EVENTS.includes(eventType)) {
      return this.refuse(
        session,
        publish,
        reject('topic-unknown', `"${eventType}" is told by the gateway itself`),
        settled,
      );
    }
    const message = parseConditionEvent(publish.payload);
    if (isRejection(message)) return this.refuse(session, publish, message, settled);
    const now = this.clock.now();
    const { deviceId } = session;
    const event = { ...message, deviceId, event: eventType, gatewayId: this.gateway.gatewayId };
    this.append(
      {
        topic: 'fieldgate.events.v1',
        key: deviceId,
        value: encodeEvent(event, identify(message, now, this.mint), now),
      },
      settled,
    );
  }

  private response(
    session: DeviceSession,
    publish: InboundPublish,
    topic: { readonly commandId: string; readonly status?: number },
    settled: Settled,
  ): void {
    const record = this.responses.recordOf(session, publish, topic);
    if (isRejection(record)) return this.refuse(session, publish, record, settled);
    this.append(record, settled);
  }

  private append(record: NewRecord, settled: Settled): void {
    counts.records += 1;
    // what `append` returns is not looked at: aedes reads no more from a connection until what it has read is answered
    this.writer.append(record, (error) => settled(error ? this.outcomeOf(error) : 'acknowledge')); // durable from here: PUBACK
  }

  /** Final: a resend would be refused again, so the bytes are kept as a dead letter and the message is acknowledged. */
  private refuse(
    session: DeviceSession,
    publish: InboundPublish,
    rejection: Rejection,
    settled: Settled,
    element?: number,
  ): void {
    refusedTotal.inc({ code: rejection.code });
    this.logger.debug(
      { deviceId: session.deviceId, topic: publish.topic, code: rejection.code },
      'message refused',
    );
    const letter = { id: this.mint(), gatewayId: this.gateway.gatewayId, atMs: this.clock.now() };
    this.append(
      deadLetterOf(session, publish, rejection, element === undefined ? letter : { ...letter, element }),
      settled,
    );
  }

  private forbid(session: DeviceSession, publish: InboundPublish, settled: Settled): void {
    counts.publishes.other += 1;
    if (mayPublish(session.deviceId, publish.topic))
      return this.refuse(session, publish, reject('topic-unknown'), settled);
    refusedTotal.inc({ code: 'topic-forbidden' });
    this.logger.warn(
      { deviceId: session.deviceId, topic: publish.topic.slice(0, 256), code: 'topic-forbidden' },
      'publish refused',
    );
    settled('forbidden');
  }

  private outcomeOf(error: FieldgateError): IngestOutcome {
    if (error.retriable) return 'unavailable';
    // the log refuses this one record for good, and its dead letter would be larger still
    refusedTotal.inc({ code: error.code });
    this.logger.warn({ code: error.code, err: error }, 'record refused by the log');
    return 'acknowledge';
  }

  private readonly mint = (): string => `${this.gateway.boot}-${(this.minted += 1).toString(36)}`;
}

/** Calls `settled` once, after `count` calls, with the worst outcome of them. */
function joined(count: number, settled: Settled): Settled {
  let open = count;
  let worst: IngestOutcome = 'acknowledge';
  return (outcome) => {
    if (outcome !== 'acknowledge') worst = outcome;
    open -= 1;
    if (open === 0) settled(worst);
  };
}
