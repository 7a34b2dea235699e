import { goalTable, type Goal } from '../goals.js';
import { whole, type Section } from '../report.js';
import { againstMosquitto, CPU, middle, P50, P99, RATE, RSS } from './edge-tables.js';
import type { Speeds } from './edge-speed.js';
import { embeddedGateway, kafkaGateway } from './edge-systems.js';
import type { IdleCost, TransportName } from './idle-connections.js';

/** Every figure that has a goal, and whether it holds. */
export function goalSection(goals: readonly Goal[]): Section {
  return goalTable(
    'Edge: goals',
    'CPU is that of the gateway per message; Mosquitto stores nothing and has no subscriber.',
    goals,
  );
}

export function speedGoals(speeds: Speeds): readonly Goal[] {
  const full = '200 × 20';
  const both = [
    { name: 'embedded log', kind: embeddedGateway },
    { name: 'Kafka', kind: kafkaGateway },
  ];
  const ratio = (
    kind: typeof kafkaGateway,
    load: Parameters<typeof againstMosquitto>[2],
    figure: typeof CPU,
  ): number => againstMosquitto(speeds, kind, load, figure);
  return [
    {
      what: `embedded log, ${full}: CPU, × Mosquitto`,
      measured: ratio(embeddedGateway, full, CPU),
      atMost: 0.5,
    },
    { what: `Kafka, ${full}: CPU, × Mosquitto`, measured: ratio(kafkaGateway, full, CPU), atMost: 0.7 },
    {
      what: `Kafka, ${full}: messages/s, × Mosquitto`,
      measured: ratio(kafkaGateway, full, RATE),
      atLeast: 1.5,
    },
    { what: 'Kafka, 500/s: CPU, × Mosquitto', measured: ratio(kafkaGateway, 'open 500', CPU), atMost: 8 },
    { what: 'Kafka, 1,000/s: CPU, × Mosquitto', measured: ratio(kafkaGateway, 'open 1000', CPU), atMost: 5 },
    ...both.flatMap(({ name, kind }) => [
      {
        what: `${name}, 500/s: PUBACK p50, ms`,
        measured: middle(speeds, kind, 'open 500', P50),
        atMost: 0.5,
      },
      { what: `${name}, 500/s: PUBACK p99, ms`, measured: middle(speeds, kind, 'open 500', P99), atMost: 4 },
      { what: `${name}, 500/s: RSS, MB`, measured: middle(speeds, kind, 'open 500', RSS), atMost: 120 },
      { what: `${name}, ${full}: RSS, MB`, measured: middle(speeds, kind, full, RSS), atMost: 240 },
    ]),
  ];
}

/** KB per connection; TLS may cost 45 more. */
const IDLE_KILOBYTES = { publishing: 6, subscribed: 25 } as const;
const TLS_MORE: Partial<Record<TransportName, number>> = { TLS: 45 };

/** There is none for WebSocket, which is in the table beside. */
export function idleGoals(costs: readonly IdleCost[]): readonly Goal[] {
  return costs
    .filter(({ transport }) => transport !== 'WebSocket')
    .map(({ transport, subscribed, connections, kilobytes }) => ({
      what: `idle connection over ${transport}, ${subscribed ? 'subscribed' : 'publishes only'}, ${whole(connections)}: KB`,
      measured: kilobytes,
      atMost:
        (subscribed ? IDLE_KILOBYTES.subscribed : IDLE_KILOBYTES.publishing) + (TLS_MORE[transport] ?? 0),
    }));
}
