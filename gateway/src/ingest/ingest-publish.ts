import {
  encodeEvent,
  encodeTelemetry,
  identify,
  isRejection,
  mintedId,
  parseConditionEvent,
  parseUpTopic,
  PlainTelemetry,
  PRESENCE_EVENTS,
  readTelemetry,
  reject,
  type Rejection,
  type TelemetryFormat,
  telemetryWriter,
  type TelemetryMessage,
  type TelemetryWriter,
} from '@fieldgate/contracts';
import type { NewRecord } from '@fieldgate/commit-log';
import { RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import type { AcceptResponse } from '../commands/accept-response.js';
import { counts, refusedTotal } from '../gateway.metrics.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { deadLetterOf } from './dead-letter-of.js';
import type { PacedWriter } from './paced-writer.js';
import type { IngestOutcome, InboundPublish } from './publish.js';

const JSON_TYPE = 'application/json';

/** A message on its way, or one element of an array: then `outcomes` waits for all of them. */
interface Arrival {
  readonly session: DeviceSession;
  readonly publish: InboundPublish;
  readonly element?: number;
  readonly outcomes?: Outcomes;
}

/**
 * From a device's PUBLISH to a durable record: the middle of the gateway. Nothing on this way waits for a promise; the message is settled once,
 * from the log, when it may be answered.
 */
export class IngestPublish {
  private minted = 0;
  private readonly lines: RepeatedLines;
  private readonly plain: PlainTelemetry;

  constructor(
    private readonly gateway: { readonly gatewayId: string; readonly boot: string },
    private readonly writer: PacedWriter,
    private readonly responses: AcceptResponse,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.lines = new RepeatedLines(logger, clock);
    this.plain = new PlainTelemetry(this.mint);
  }

  ingest(session: DeviceSession, publish: InboundPublish): void {
    if (publish.topic === session.telemetryTopic) return this.telemetry(session, publish);
    const arrival = { session, publish };
    if (!publish.topic.startsWith(session.topicPrefix)) return this.forbid(arrival);
    const topic = parseUpTopic(publish.topic.slice(session.topicPrefix.length));
    switch (topic?.kind) {
      case undefined:
        counts.publishes.other += 1;
        return this.refuse(arrival, reject('topic-unknown'));
      case 'telemetry':
        if (topic.format !== undefined) return this.formattedTelemetry(arrival, topic.format);
        session.telemetryTopic = publish.topic;
        return this.telemetry(session, publish);
      case 'event':
        counts.publishes.event += 1;
        return this.event(arrival, topic.eventType);
      case 'response':
        counts.publishes.response += 1;
        return this.response(arrival, topic);
    }
  }

  private telemetry(session: DeviceSession, publish: InboundPublish): void {
    if (publish.contentType !== undefined && publish.contentType !== JSON_TYPE)
      return this.formattedTelemetry({ session, publish });
    counts.publishes.telemetry += 1;
    const { bytes, payloadAt, payloadEnd } = publish;
    const value = this.plain.record(this.writerOf(session), bytes, payloadAt, payloadEnd, this.clock.now());
    if (value === undefined) return this.unusualTelemetry({ session, publish });
    this.append({ session, publish }, { topic: 'fieldgate.telemetry.v1', key: session.deviceId, value });
  }

  /** What does not come as JSON, or says so. */
  private formattedTelemetry(arrival: Arrival, topicFormat?: TelemetryFormat): void {
    counts.publishes.telemetry += 1;
    this.unusualTelemetry(arrival, topicFormat);
  }

  private unusualTelemetry(arrival: Arrival, topicFormat?: TelemetryFormat): void {
    const { session, publish } = arrival;
    const { contentType } = publish;
    const payload = readTelemetry(publish.payload, { topicFormat, contentType }, this.clock.now());
    if (isRejection(payload)) return this.refuse(arrival, payload);
    if (payload.kind === 'one') return this.append(arrival, this.telemetryRecord(session, payload.message));

    const outcomes = new Outcomes(payload.elements.length, publish); // one PUBACK after the last of the array
    for (const [index, element] of payload.elements.entries()) {
      const one = { session, publish, element: index, outcomes };
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
      value: encodeTelemetry(this.writerOf(session), message, identity, now),
    };
  }

  private writerOf(session: DeviceSession): TelemetryWriter {
    return (session.writer ??= telemetryWriter(session.deviceId, this.gateway.gatewayId));
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
    this.writer.append(record, (error) => {
      if (!error) return settle(arrival, 'acknowledge'); // durable from here: PUBACK
      if (error.retriable) return settle(arrival, 'unavailable');
      this.refuse(arrival, reject(error.code, error.message));
    });
  }

  /** Final: a resend would be refused again, so the bytes are kept as a dead letter and the message is acknowledged. */
  private refuse(arrival: Arrival, rejection: Rejection): void {
    const { session, publish, element } = arrival;
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
      if (error?.retriable) return settle(arrival, 'unavailable');
      if (error)
        this.logger.error({ deviceId: session.deviceId, code, err: error }, 'dead letter refused by the log');
      settle(arrival, rejection);
    });
  }

  private forbid({ session, publish }: Arrival): void {
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
    publish.settle('forbidden');
  }

  private readonly mint = (): string => mintedId(this.gateway.boot, (this.minted += 1));
}

function settle({ publish, outcomes }: Arrival, outcome: IngestOutcome): void {
  if (outcomes === undefined) publish.settle(outcome);
  else outcomes.add(outcome);
}

/** Of the elements of one message: it is settled after the last of them with the worst, an outage, else the first rejection. */
class Outcomes {
  private worst: IngestOutcome = 'acknowledge';

  constructor(
    private open: number,
    private readonly publish: InboundPublish,
  ) {}

  add(outcome: IngestOutcome): void {
    if (outcome === 'unavailable' || (this.worst === 'acknowledge' && outcome !== 'acknowledge'))
      this.worst = outcome;
    this.open -= 1;
    if (this.open === 0) this.publish.settle(this.worst);
  }
}
