import {
  detailOfElements,
  encodeEvent,
  encodeTelemetry,
  identify,
  isRejection,
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
  type MintId,
  type TelemetryMessage,
  type TelemetryWriter,
} from '@fieldgate/contracts';
import type { Settle } from '@fieldgate/commit-log';
import { RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import type { AcceptResponse } from '../commands/accept-response.js';
import { counts, refusedTotal } from '../gateway.metrics.js';
import { SessionCounters } from '../ledger/session-counters.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { Arrival, Outcomes } from './arrival.js';
import { answerTo, ArrivedArray, type Refusal } from './arrived-array.js';
import { count, countersOf, taken, unavailable, untaken } from './count-outcome.js';
import { deadLetterOf } from './dead-letter-of.js';
import { doubtClock } from './doubt-clock.js';
import { inPieces } from './in-pieces.js';
import { MintedIds } from './minted-ids.js';
import type { PacedWriter } from './paced-writer.js';
import type { InboundPublish } from './publish.js';
import { Receipt } from './receipt.js';

const JSON_TYPE = 'application/json';

/** What of a message becomes dead letters. */
interface Kept {
  readonly refusals: readonly Refusal[];
  /** What the device is told; nothing when some of it is in the log neither way. */
  readonly answer: Rejection | 'unavailable';
  /** Of the rest of it. */
  readonly receipt: Receipt | undefined;
}

/**
 * From a device's PUBLISH to a durable record: the middle of the gateway. Nothing on this way waits for a promise; the message is settled once,
 * from the log, when it may be answered.
 */
export class IngestPublish {
  private readonly lines: RepeatedLines;
  private readonly plain = new PlainTelemetry();
  private readonly ids: MintedIds;

  constructor(
    private readonly gateway: { readonly gatewayId: string; readonly boot: string },
    private readonly writer: PacedWriter,
    private readonly responses: AcceptResponse,
    private readonly clock: Clock,
    monotonic: Clock,
    private readonly logger: Logger,
  ) {
    this.lines = new RepeatedLines(logger, monotonic);
    this.ids = new MintedIds(gateway.boot);
  }

  ingest(session: DeviceSession, publish: InboundPublish): void {
    if (session.share?.isBehind !== true) return this.take(session, publish);
    session.share.run(() => {
      try {
        this.take(session, publish); // a will, behind the rest of an array
      } catch (error) {
        this.failed(session, publish, error);
        publish.settle('unavailable');
      }
      return true;
    });
  }

  private take(session: DeviceSession, publish: InboundPublish): void {
    const counters = (session.counters ??= new SessionCounters());
    counters.messages += 1;
    counters.received += 1;
    if (publish.topic === session.telemetryTopic) return this.telemetry(session, publish);
    const arrival = new Arrival(session, publish);
    if (!publish.topic.startsWith(session.topicPrefix)) return this.forbid(arrival);
    const topic = parseUpTopic(publish.topic.slice(session.topicPrefix.length));
    switch (topic?.kind) {
      case undefined:
        count('other', publish);
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
        count('event', publish);
        return this.event(arrival, topic.eventType);
      case 'response':
        count('response', publish);
        return this.response(arrival, topic);
    }
  }

  private telemetry(session: DeviceSession, publish: InboundPublish): void {
    if (publish.contentType !== undefined && publish.contentType !== JSON_TYPE)
      return this.formattedTelemetry(new Arrival(session, publish));
    count('telemetry', publish);
    const { bytes, payloadAt, payloadEnd } = publish;
    const writer = this.writerOf(session);
    const now = this.clock.now();
    const value = this.plain.record(writer, bytes, payloadAt, payloadEnd, now, this.mintOf(session));
    const arrival = new Arrival(session, publish);
    if (value === undefined) return this.unusualTelemetry(arrival);
    doubtClock(this.lines, arrival, this.plain.doubtedTs);
    this.append(arrival, 'fieldgate.telemetry.v1', value);
  }

  /** What does not come as JSON, or says so. */
  private formattedTelemetry(arrival: Arrival, topicFormat?: TelemetryFormat): void {
    count('telemetry', arrival.publish);
    this.unusualTelemetry(arrival, topicFormat);
  }

  private unusualTelemetry(arrival: Arrival, topicFormat?: TelemetryFormat): void {
    const { session, publish } = arrival;
    const { contentType } = publish;
    const now = this.clock.now();
    const payload = readTelemetry(publish.payload, { topicFormat, contentType }, now);
    if (isRejection(payload)) return this.refuse(arrival, payload);
    if (payload.kind === 'one') return this.appendTelemetry(arrival, payload.message, now);

    const { length } = payload.elements;
    countersOf(session).received += length - 1;
    publish.holds(length);
    const receipt = session.wantsReceipts ? new Receipt() : undefined;
    const isSentAgain = publish.qos > 0 || publish.isWill === true; // whole, in its order
    const settled = (refusals: readonly Refusal[], lost: number): void => {
      if (lost > 0 && isSentAgain) return unavailable(arrival, length); // its dead letters are written then
      const written = refusals.reduce((left, { elements }) => left - (elements?.length ?? 0), length - lost);
      if (written > 0) taken(arrival, written);
      if (lost > 0) untaken(arrival, lost);
      const refused = answerTo(refusals, length);
      const answer = lost > 0 ? 'unavailable' : refused;
      if (answer === undefined || refused === undefined)
        return publish.settle(answer ?? 'acknowledge', receipt);
      this.keep(arrival, { refusals, answer, receipt }, now);
    };
    const array = new ArrivedArray(length, settled, receipt);
    inPieces(session.share, payload.elements, {
      isLost: () => isSentAgain && array.isLost,
      handOver: (element, index) => {
        const one = new Arrival(session, publish, array, index);
        if (isSentAgain && array.isLost) return one.settle('unavailable');
        try {
          this.appendElement(one, element, now);
        } catch (error) {
          this.failed(session, publish, error);
          one.settle('unavailable');
        }
      },
    });
  }

  /** In a later turn nobody else catches what is thrown: it must not take the other devices' gateway with it. */
  private failed({ deviceId, link }: DeviceSession, { topic }: InboundPublish, error: unknown): void {
    this.logger.error({ deviceId, topic, err: error }, 'message failed, connection closed');
    link.close('internal-error');
  }

  private appendElement(one: Arrival, element: TelemetryMessage | Rejection, now: number): void {
    if (isRejection(element)) return one.settle(element);
    const { id } = element;
    this.appendTelemetry(one, id === undefined ? element : { ...element, id: `${id}/${one.element}` }, now);
  }

  private appendTelemetry(arrival: Arrival, message: TelemetryMessage, now: number): void {
    const identity = identify(message, now, this.mintOf(arrival.session));
    doubtClock(this.lines, arrival, identity.claimedMs);
    const value = encodeTelemetry(this.writerOf(arrival.session), message, identity, now);
    this.append(arrival, 'fieldgate.telemetry.v1', value);
  }

  private writerOf(session: DeviceSession): TelemetryWriter {
    return (session.writer ??= telemetryWriter(session.deviceId, this.gateway.gatewayId, session.connection));
  }

  private event(arrival: Arrival, eventType: string): void {
    if (PRESENCE_EVENTS.includes(eventType)) {
      return this.refuse(arrival, reject('topic-unknown', `"${eventType}" is told by the gateway itself`));
    }
    const message = parseConditionEvent(arrival.publish.payload);
    if (isRejection(message)) return this.refuse(arrival, message);
    const now = this.clock.now();
    const { deviceId, connection } = arrival.session;
    const { gatewayId } = this.gateway;
    const event = { ...message, deviceId, event: eventType, gatewayId, connection };
    const identity = identify(message, now, this.mintOf(arrival.session));
    doubtClock(this.lines, arrival, identity.claimedMs);
    const value = encodeEvent(event, identity, now);
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
    arrival.session.share?.add(value.length);
    this.writer.append(arrival, this.appended);
  }

  /** One for all messages. */
  private readonly appended: Settle<Arrival> = (error, at, arrival) => {
    arrival.session.share?.remove(arrival.value?.length ?? 0);
    if (!error) {
      counts.records += 1;
      if (!arrival.array) taken(arrival, 1);
      return arrival.acknowledge(at); // durable from here: PUBACK
    }
    if (error.retriable) return arrival.array ? arrival.settle('unavailable') : unavailable(arrival, 1);
    this.refuse(arrival, reject(error.code, error.message));
  };

  /** Final: a resend would be refused again, so the bytes are kept as a dead letter and the message is acknowledged. */
  private refuse(arrival: Arrival, rejection: Rejection): void {
    if (arrival.array) return arrival.settle(rejection); // kept with the others of the array
    const receipt = arrival.session.wantsReceipts ? new Receipt() : undefined;
    this.keep(arrival, { refusals: [{ rejection }], answer: rejection, receipt }, this.clock.now());
  }

  private keep(arrival: Arrival, { refusals, answer, receipt }: Kept, atMs: number): void {
    const { session, publish } = arrival;
    const outcomes = new Outcomes(refusals.length, publish, receipt); // one PUBACK after the last of the letters
    for (const { rejection, elements } of refusals) {
      const { code, detail } = rejection;
      if (!publish.isAgain) refusedTotal.inc({ code }, elements?.length ?? 1);
      this.logger.debug({ deviceId: session.deviceId, topic: publish.topic, code }, 'message refused');
      const told = elements === undefined ? rejection : reject(code, detailOfElements(detail, elements));
      const letter = { id: this.mintOf(session)(atMs), gatewayId: this.gateway.gatewayId, atMs, elements };
      const record = deadLetterOf(session, publish, told, letter);
      const bytes = record.value?.length ?? 0;
      const records = elements?.length ?? 1;
      session.share?.add(bytes);
      this.writer.append(record, (error, at) => {
        session.share?.remove(bytes);
        if (error?.retriable) {
          untaken(arrival, records);
          return outcomes.add('unavailable');
        }
        countersOf(session).refuse(code, records);
        if (error)
          this.logger.error(
            { deviceId: session.deviceId, code, err: error },
            'dead letter refused by the log',
          );
        else {
          counts.records += 1;
          receipt?.addDeadLetter(at);
        }
        outcomes.add(answer);
      });
    }
  }

  private forbid({ session, publish }: Arrival): void {
    count('other', publish);
    countersOf(session).refuse('topic-forbidden', 1);
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

  private mintOf(session: DeviceSession): MintId {
    return ((session.share ?? session).mintId ??= this.ids.sequence());
  }
}
