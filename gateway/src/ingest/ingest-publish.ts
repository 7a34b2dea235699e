import {
  detailOfElements,
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
  unknownTopicDetail,
  type LogTopic,
  type TelemetryMessage,
  type TelemetryWriter,
} from '@fieldgate/contracts';
import type { Settle } from '@fieldgate/commit-log';
import { RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import type { AcceptResponse } from '../commands/accept-response.js';
import { counts, refusedTotal } from '../gateway.metrics.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { Arrival, Outcomes } from './arrival.js';
import { answerTo, ArrivedArray, type Refusal } from './arrived-array.js';
import { deadLetterOf } from './dead-letter-of.js';
import type { PacedWriter } from './paced-writer.js';
import type { InboundPublish } from './publish.js';

const JSON_TYPE = 'application/json';

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
    monotonic: Clock,
    private readonly logger: Logger,
  ) {
    this.lines = new RepeatedLines(logger, monotonic);
    this.plain = new PlainTelemetry(this.mint);
  }

  ingest(session: DeviceSession, publish: InboundPublish): void {
    if (publish.topic === session.telemetryTopic) return this.telemetry(session, publish);
    const arrival = new Arrival(session, publish);
    if (!publish.topic.startsWith(session.topicPrefix)) return this.forbid(arrival);
    const topic = parseUpTopic(publish.topic.slice(session.topicPrefix.length));
    switch (topic?.kind) {
      case undefined:
        counts.publishes.other += 1;
        return this.refuse(
          arrival,
          reject(
            'topic-unknown',
            unknownTopicDetail(session.deviceId, publish.topic.slice(session.topicPrefix.length)),
          ),
        );
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
      return this.formattedTelemetry(new Arrival(session, publish));
    counts.publishes.telemetry += 1;
    const { bytes, payloadAt, payloadEnd } = publish;
    const value = this.plain.record(this.writerOf(session), bytes, payloadAt, payloadEnd, this.clock.now());
    const arrival = new Arrival(session, publish);
    if (value === undefined) return this.unusualTelemetry(arrival);
    this.append(arrival, 'fieldgate.telemetry.v1', value);
  }

  /** What does not come as JSON, or says so. */
  private formattedTelemetry(arrival: Arrival, topicFormat?: TelemetryFormat): void {
    counts.publishes.telemetry += 1;
    this.unusualTelemetry(arrival, topicFormat);
  }

  private unusualTelemetry(arrival: Arrival, topicFormat?: TelemetryFormat): void {
    const { session, publish } = arrival;
    const { contentType } = publish;
    const now = this.clock.now();
    const payload = readTelemetry(publish.payload, { topicFormat, contentType }, now);
    if (isRejection(payload)) return this.refuse(arrival, payload);
    if (payload.kind === 'one') return this.appendTelemetry(arrival, payload.message);

    const array = new ArrivedArray(payload.elements.length, (refused) => {
      if (refused === 'unavailable') return publish.settle(refused); // sent again whole: its dead letters are written then
      const answer = answerTo(refused, payload.elements.length);
      if (answer === undefined) return publish.settle('acknowledge');
      this.keep(arrival, { refusals: refused, answer }, now);
    });
    for (const [index, element] of payload.elements.entries()) {
      const one = new Arrival(session, publish, array, index);
      if (isRejection(element)) {
        one.settle(element);
        continue;
      }
      const message = element.id === undefined ? element : { ...element, id: `${element.id}/${index}` };
      this.appendTelemetry(one, message);
    }
  }

  private appendTelemetry(arrival: Arrival, message: TelemetryMessage): void {
    const now = this.clock.now();
    const identity = identify(message, now, this.mint);
    const value = encodeTelemetry(this.writerOf(arrival.session), message, identity, now);
    this.append(arrival, 'fieldgate.telemetry.v1', value);
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
    this.append(arrival, 'fieldgate.events.v1', value);
  }

  private response(arrival: Arrival, topic: { readonly commandId: string; readonly status?: number }): void {
    const step = this.responses.stepOf(arrival.session, arrival.publish, topic);
    if (isRejection(step)) return this.refuse(arrival, step);
    this.append(arrival, 'fieldgate.commands.v1', step);
  }

  private append(arrival: Arrival, topic: LogTopic, value: Uint8Array): void {
    arrival.topic = topic;
    arrival.value = value;
    this.writer.append(arrival, this.appended);
  }

  /** One for all messages. */
  private readonly appended: Settle<Arrival> = (error, _at, arrival) => {
    if (!error) {
      counts.records += 1;
      return arrival.settle('acknowledge'); // durable from here: PUBACK
    }
    if (error.retriable) return arrival.settle('unavailable');
    this.refuse(arrival, reject(error.code, error.message));
  };

  /** Final: a resend would be refused again, so the bytes are kept as a dead letter and the message is acknowledged. */
  private refuse(arrival: Arrival, rejection: Rejection): void {
    if (arrival.array) return arrival.settle(rejection); // kept with the others of the array
    this.keep(arrival, { refusals: [{ rejection }], answer: rejection }, this.clock.now());
  }

  /** `answer` is what the device is told. */
  private keep(
    { session, publish }: Arrival,
    { refusals, answer }: { readonly refusals: readonly Refusal[]; readonly answer: Rejection },
    atMs: number,
  ): void {
    const outcomes = new Outcomes(refusals.length, publish); // one PUBACK after the last of the letters
    for (const { rejection, elements } of refusals) {
      const { code, detail } = rejection;
      refusedTotal.inc({ code }, elements?.length ?? 1);
      this.logger.debug({ deviceId: session.deviceId, topic: publish.topic, code }, 'message refused');
      const told = elements === undefined ? rejection : reject(code, detailOfElements(detail, elements));
      const letter = { id: this.mint(), gatewayId: this.gateway.gatewayId, atMs, elements };
      this.writer.append(deadLetterOf(session, publish, told, letter), (error) => {
        if (error?.retriable) return outcomes.add('unavailable');
        if (error)
          this.logger.error(
            { deviceId: session.deviceId, code, err: error },
            'dead letter refused by the log',
          );
        else counts.records += 1;
        outcomes.add(answer);
      });
    }
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
