import type { Command } from 'commander';
import { z } from 'zod';
import { asOperator, operatorCommand, type Operator } from './operator-command.js';

const value = z.union([z.number(), z.boolean(), z.string()]);
const latestSchema = z.object({
  deviceId: z.string(),
  readings: z.record(z.string(), z.object({ value, time: z.string() })),
});
const seriesSchema = z.object({
  deviceId: z.string(),
  series: z.array(z.object({ metric: z.string(), points: z.array(z.tuple([z.number(), value])) })),
});

interface TelemetryFlags {
  readonly metric?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly every?: string;
  readonly aggregate?: string;
  readonly limit?: string;
}

/** `fieldgate telemetry <device>` */
export function addTelemetryCommand(program: Command): void {
  operatorCommand(
    program,
    'telemetry <device>',
    'the newest reading of each metric; a series with --from or --every',
  )
    .option('--metric <name...>', 'only these')
    .option('--from <time>', 'epoch ms or RFC 3339; with it, or with --every, a series is printed')
    .option('--to <time>', 'exclusive; default: now')
    .option('--every <duration>', 'one point per 10s, 1m, 1h, 1d …')
    .option('--aggregate <name>', 'mean, min, max, sum, count or last; with --every')
    .option('--limit <count>', 'points per metric at most')
    .action(function (this: Command, device: string, flags: TelemetryFlags) {
      return asOperator(this, (operator) =>
        flags.from === undefined && flags.every === undefined && flags.to === undefined
          ? latest(operator, device, flags)
          : series(operator, device, flags),
      );
    });
}

async function latest({ api, table }: Operator, device: string, { metric }: TelemetryFlags): Promise<void> {
  const answer = await api.get(`/v1/devices/${encodeURIComponent(device)}/latest`, latestSchema);
  const readings = Object.entries(answer.readings).filter(([name]) => metric?.includes(name) ?? true);
  table(
    { ...answer, readings: Object.fromEntries(readings) },
    ['METRIC', 'VALUE', 'TIME'],
    readings.map(([name, reading]) => [name, String(reading.value), reading.time]),
    `${device} has not reported yet`,
  );
}

async function series({ api, table }: Operator, device: string, flags: TelemetryFlags): Promise<void> {
  const { metric, from, to, every, aggregate, limit } = flags;
  const answer = await api.get(`/v1/devices/${encodeURIComponent(device)}/telemetry`, seriesSchema, {
    metric,
    from,
    to,
    every,
    aggregate,
    limit,
  });
  const rows = answer.series.flatMap(({ metric: name, points }) =>
    points.map(([ms, reading]) => [new Date(ms).toISOString(), name, String(reading)]),
  );
  table(answer, ['TIME', 'METRIC', 'VALUE'], rows, `${device} has no readings in this range`);
}
