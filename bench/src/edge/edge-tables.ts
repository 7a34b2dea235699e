import { fixed, median, whole, type Section } from '../report.js';
import type { IngestSystemKind } from '../systems/ingest-systems.js';
import { CLOSED_LOADS, OPEN_LOADS, type LoadName, type Measured } from './edge-loads.js';
import type { Speeds } from './edge-speed.js';
import { mosquitto } from './edge-systems.js';
import type { IdleCost } from './idle-connections.js';

type Figure = (measured: Measured) => number;

export const RATE: Figure = ({ acknowledgedPerSecond }) => acknowledgedPerSecond;
export const CPU: Figure = ({ cpuPer100k }) => cpuPer100k[0] ?? Number.NaN;
export const RSS: Figure = ({ rssMb }) => rssMb[0] ?? Number.NaN;
const ANONYMOUS: Figure = ({ anonymousMb }) => anonymousMb[0] ?? Number.NaN;
export const P50: Figure = ({ p50Ms }) => p50Ms;
export const P99: Figure = ({ p99Ms }) => p99Ms;
const KAFKA_CPU: Figure = ({ cpuPer100k }) => cpuPer100k[1] ?? Number.NaN;
const GC: Figure = ({ gcPercent }) => gcPercent;
const GENERATOR: Figure = ({ generatorPercent }) => generatorPercent;

/** The median of the runs; NaN when there is none. */
export function middle(speeds: Speeds, kind: IngestSystemKind, load: LoadName, figure: Figure): number {
  return median((speeds.get(kind)?.[load] ?? []).map(figure));
}

/** The median of each run's ratio to Mosquitto: a busy minute spoils one run, not the comparison. */
export function againstMosquitto(
  speeds: Speeds,
  kind: IngestSystemKind,
  load: LoadName,
  figure: Figure,
): number {
  const yardstick = mosquitto && speeds.get(mosquitto)?.[load];
  const runs = speeds.get(kind)?.[load] ?? [];
  if (!yardstick) return Number.NaN;
  return median(
    runs.map((measured, run) => {
      const beside = yardstick[run];
      return beside ? figure(measured) / figure(beside) : Number.NaN;
    }),
  );
}

export function speedSections(speeds: Speeds, runs: number): readonly Section[] {
  const note = `QoS 1, 200-byte payloads. Median of ${runs} runs; × = against Mosquitto in the same run. Not of files: the RSS without node's program and the mapped pages of the log.`;
  return [
    speedSection(
      'Edge: as fast as it goes',
      `${note} Clients × messages in flight of each.`,
      speeds,
      CLOSED_LOADS,
    ),
    speedSection('Edge: one message per second of each device', note, speeds, OPEN_LOADS),
  ];
}

function speedSection(title: string, note: string, speeds: Speeds, loads: readonly LoadName[]): Section {
  return {
    title,
    note,
    columns: [
      '',
      'load',
      'messages/s',
      '×',
      'CPU s / 100,000',
      '×',
      'CPU s of Kafka',
      'PUBACK p50 ms',
      'p99 ms',
      'RSS MB',
      'not of files',
      'GC %',
      'load generator %',
    ],
    rows: loads.flatMap((load) =>
      [...speeds.keys()]
        .filter((kind) => (speeds.get(kind)?.[load].length ?? 0) > 0)
        .map((kind) => [
          kind.name,
          load.replace('open ', ''),
          whole(middle(speeds, kind, load, RATE)),
          fixed(againstMosquitto(speeds, kind, load, RATE)),
          fixed(middle(speeds, kind, load, CPU)),
          fixed(againstMosquitto(speeds, kind, load, CPU)),
          fixed(middle(speeds, kind, load, KAFKA_CPU)),
          fixed(middle(speeds, kind, load, P50)),
          fixed(middle(speeds, kind, load, P99)),
          whole(middle(speeds, kind, load, RSS)),
          whole(middle(speeds, kind, load, ANONYMOUS)),
          fixed(middle(speeds, kind, load, GC), 1),
          whole(middle(speeds, kind, load, GENERATOR)),
        ]),
    ),
  };
}

export function idleSection(costs: readonly IdleCost[]): Section {
  return {
    title: 'Edge: idle connections',
    note: 'RSS of the gateway (embedded log, 11,000 registered devices) per connection, KB, after 1,000 others and a garbage collection that the bench asks for. Not of files: without the mapped pages of the log.',
    columns: ['', 'connections', 'KB', 'KB, not of files'],
    rows: costs.map(({ transport, subscribed, connections, kilobytes, anonymousKilobytes }) => [
      `${transport}, ${subscribed ? 'subscribed to its commands' : 'publishes only'}`,
      whole(connections),
      fixed(kilobytes, 1),
      fixed(anonymousKilobytes, 1),
    ]),
  };
}
