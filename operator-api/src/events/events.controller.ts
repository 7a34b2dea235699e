import {
  deviceIdSchema,
  EVENT_STATES,
  isEventType,
  SEVERITIES,
  type EventRecord,
} from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import { TELEMETRY_STORE, type TelemetryStore } from '@fieldgate/telemetry-store';
import { Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { OperatorController } from '../operator-controller.js';
import { invalidRequest } from '../http/problem.js';
import { Describe } from '../http/route-description.js';
import { limitSchema, rangeOf, timeSchema } from '../http/query-schemas.js';

const LAST_DAY_MS = 86_400_000;

const eventsQuerySchema = z.strictObject({
  device: deviceIdSchema.optional(),
  type: z.string().refine(isEventType, 'is not an event type').optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  limit: limitSchema(100, 1000),
});

const eventAnswerSchema = z.object({
  deviceId: z.string(),
  id: z.string(),
  type: z.string(),
  state: z.enum(EVENT_STATES),
  severity: z.enum(SEVERITIES),
  seq: z.number().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  time: z.iso.datetime(),
  receivedTime: z.iso.datetime(),
});
type EventAnswer = Readonly<z.output<typeof eventAnswerSchema>>;
const eventsAnswerSchema = z.object({ events: z.array(eventAnswerSchema) });

/** Condition events of devices, and connected / disconnected. */
@OperatorController('events')
export class EventsController {
  constructor(
    @Inject(TELEMETRY_STORE) private readonly store: TelemetryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Describe({
    summary: 'Condition events of devices, and connected / disconnected, the newest first',
    query: eventsQuerySchema,
    answers: { 200: { description: 'The events', schema: eventsAnswerSchema } },
  })
  @Get()
  async list(
    @Query({ schema: eventsQuerySchema }) query: z.output<typeof eventsQuerySchema>,
  ): Promise<unknown> {
    const range = rangeOf(query, LAST_DAY_MS, this.clock.now());
    if (!range) throw invalidRequest([{ path: ['to'], message: 'must be later than from' }]);
    const events = await this.store.events({
      ...range,
      limit: query.limit,
      ...(query.device === undefined ? {} : { deviceId: query.device }),
      ...(query.type === undefined ? {} : { event: query.type }),
    });
    return { events: events.map(eventAnswer) };
  }
}

function eventAnswer(record: EventRecord): EventAnswer {
  const { deviceId, id, event, state, severity, seq, details, timeMs, receivedMs } = record;
  return {
    deviceId,
    id,
    type: event,
    state,
    severity,
    ...(seq === undefined ? {} : { seq }),
    ...(details === undefined ? {} : { details }),
    time: new Date(timeMs).toISOString(),
    receivedTime: new Date(receivedMs).toISOString(),
  };
}
