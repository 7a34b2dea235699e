import { Option, type Command } from 'commander';
import { z } from 'zod';
import { asOperator, operatorCommand, type Operator } from './operator-command.js';
import { countUpTo, durationOf, each, timeOf } from './option-values.js';
import { UsageError } from './usage-error.js';

const value = z.union([z.number(), z.boolean(), z.string()]);
const latestSchema = z.object({
  deviceId: z.string(),
  readings: z.record(z.string(), z.object({ value, time: z.string() })),
});
const seriesSchema = z.object({
  deviceId: z.string(),
  series: z.array(z.object({ metric: z.string(), points: z.array(z.tuple([z.number(), value])) })),
});

/** In the words of the API; a test compares. */
export const AGGREGATES = ['mean', 'min', 'max', 'sum', 'count', 'last'];

interface TelemetryFlags {
  readonly metric?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly every?: string;
  readonly aggregate?: string;
  readonly limit?: number;
}

/** `fieldgate telemetry <device>` */
export function addTelemetryCommand(program: Command): void {
  operatorCommand(
    program,
    'telemetry <device>',
    'the newest reading of each metric; a series with --from, --to or --every',
  )
    .option('--metric <name>', 'only this one; may be given several times', each(String))
    .option('--from <time>', 'epoch ms or RFC 3339; default: 24 hours before the end', timeOf)
    .option('--to <time>', 'before then; default: now', timeOf)
    .option('--every <duration>', 'one point per 10s, 1m, 1h, 1d …', durationOf)
    .addOption(new Option('--aggregate <name>', 'what of each --every is shown').choices(AGGREGATES))
    .option('--limit <count>', 'points per metric of a series, up to 10000; default: 1000', countUpTo(10_000))
    .action(function (this: Command, device: string, flags: TelemetryFlags) {
      return asOperator(this, async (operator) => {
        const { from, to, every, aggregate, limit } = flags;
        const isSeries = from !== undefined || to !== undefined || every !== undefined;
        if (aggregate !== undefined && every === undefined)
          throw new UsageError('--aggregate needs --every, such as --every 1h');
        if (limit !== undefined && !isSeries) throw new UsageError('--limit needs --from, --to or --every');
        return isSeries ? series(operator, device, flags) : latest(operator, device, flags);
      });
    });
}

async function latest({ api, table }: Operator, device: string, { metric }: TelemetryFlags): Promise<void> {
  const answer = await api.get(`/v1/devices/${encodeURIComponent(device)}/latest`, latestSchema);
  const readings = Object.entries(answer.readings).filter(([name]) => metric?.includes(name) ?? true);
  table(
    { ...answer, readings: Object.fromEntries(readings) },
    ['METRIC', 'VALUE', 'TIME'],
    readings.map(([name, reading]) => [name, String(reading.value), reading.time]),
    Object.keys(answer.readings).length === 0
      ? `${device} has not reported yet`
      : `${device} has not reported ${metric?.join(' or ') ?? 'anything'}`,
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
