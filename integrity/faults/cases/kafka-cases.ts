import type { FaultCase, FaultContext } from '../fault-case.js';
import type { ProxyFault } from '../proxy-fault.js';
import { bridged, down, frozen, onTheWay } from './kafka-faults.js';

/** The brokers, and the way to them. */
export const kafkaCases: readonly FaultCase[] = [
  {
    name: 'F2',
    title: 'each of three brokers killed and restarted in turn',
    promise: 'when each of three brokers is killed in turn',
    takesMs: 30_000,
    devicesStay: true,
    async run({ services, during, between }) {
      for (const index of services.cluster.nodes.keys()) {
        await during(down(services, [index]), between(1_000, 4_000));
        await services.cluster.untilInSync();
      }
    },
  },
  frozenFor('F3', 5, 15_000),
  frozenFor('F4', 30, 42_000),
  frozenFor('F5', 120, 140_000),
  onTheWayFor('F6', 'Kafka unreachable for 10 s: its ports are closed', { kind: 'refuse' }, 10),
  onTheWayFor('F7', 'Kafka black-holed for 10 s', { kind: 'black hole' }, 10),
  onTheWayFor('F8', 'Kafka answers after 2 s, for 12 s', { kind: 'delay', ms: 1_000 }, 12),
  onTheWayFor('F9', 'Kafka at 10 KB/s, for 12 s', { kind: 'throttle', bytesPerSecond: 10_000 }, 12),
  {
    name: 'F10',
    title: 'two of three brokers down for 10 s: neither a quorum nor enough replicas',
    takesMs: 32_000,
    devicesStay: true,
    run: (context) => {
      const { services, between } = context;
      const kept = between(0, 2);
      const others = [0, 1, 2].filter((index) => index !== kept);
      return bridged(context, down(services, others), 10_000);
    },
  },
];

function frozenFor(name: FaultCase['name'], seconds: number, takesMs: number): FaultCase {
  return {
    name,
    title: `all brokers frozen (SIGSTOP) for ${seconds} s`,
    promise: `when no broker answers for ${seconds} s`,
    takesMs,
    devicesStay: true,
    run: async (context) => {
      const { services, between, wait } = context;
      await wait(between(0, 1_000));
      await bridged(context, frozen(services), seconds * 1000);
    },
  };
}

function onTheWayFor(name: FaultCase['name'], title: string, fault: ProxyFault, seconds: number): FaultCase {
  return {
    name,
    title,
    takesMs: (seconds + 11) * 1000,
    devicesStay: true,
    run: async (context: FaultContext) => {
      const { services, between, wait } = context;
      await wait(between(0, 1_000));
      await bridged(context, onTheWay(services, fault), seconds * 1000);
    },
  };
}
