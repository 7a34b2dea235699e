import { CLOCK, type Clock } from '@fieldgate/service';
import { TELEMETRY_STORE, type TelemetryStore } from '@fieldgate/telemetry-store';
import { Get, Inject, Param, Query } from '@nestjs/common';
import { Registry } from '../devices/registry.js';
import { OperatorController } from '../operator-controller.js';
import { invalidRequest } from '../http/problem.js';
import { Describe } from '../http/route-description.js';
import { rangeOf } from '../http/query-schemas.js';
import { latestAnswerSchema, seriesAnswerSchema } from './telemetry-answers.js';
import { newestReadings } from './newest-readings.js';
import { seriesQuerySchema, type SeriesRequest } from './telemetry-requests.js';

const LAST_HOUR_MS = 3_600_000;

@OperatorController('devices')
export class TelemetryController {
  constructor(
    private readonly registry: Registry,
    @Inject(TELEMETRY_STORE) private readonly store: TelemetryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Describe({
    summary: 'The newest reading of each metric, since the registration',
    answers: { 200: { description: 'By metric', schema: latestAnswerSchema } },
  })
  @Get(':id/latest')
  async latest(@Param('id') id: string): Promise<unknown> {
    const device = this.registry.get(id);
    const readings = (await newestReadings(this.store, device)).map(({ metric, timeMs, value }) => [
      metric,
      { value, time: new Date(timeMs).toISOString() },
    ]);
    return { deviceId: device.id, readings: Object.fromEntries(readings) };
  }

  @Describe({
    summary: 'Readings of a device over time',
    description:
      'Points ascending in time; with `every` one per bucket, aligned to the epoch in UTC and named by its start.',
    query: seriesQuerySchema,
    answers: { 200: { description: 'A series per metric', schema: seriesAnswerSchema } },
  })
  @Get(':id/telemetry')
  async series(
    @Param('id') id: string,
    @Query({ schema: seriesQuerySchema }) query: SeriesRequest,
  ): Promise<unknown> {
    const { id: deviceId } = this.registry.get(id);
    const range = rangeOf(query, LAST_HOUR_MS, this.clock.now());
    if (!range) throw invalidRequest([{ path: ['to'], message: 'must be later than from' }]);
    const { metric: metrics, every: everyMs, aggregate = 'mean', limit } = query;
    const series = await this.store.series({
      deviceId,
      ...range,
      limit,
      ...(metrics === undefined ? {} : { metrics }),
      ...(everyMs === undefined ? {} : { downsample: { everyMs, aggregate } }),
    });
    return { deviceId, series };
  }
}
