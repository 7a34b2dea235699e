import { randomBytes } from 'node:crypto';
import kafkajs from 'kafkajs';
import type { BenchServices } from '../bench-services.js';
import { lagOf, TELEMETRY } from '../evidence.js';
import type { FaultCase } from '../fault-case.js';
import { down } from './kafka-faults.js';

const SETTLES_WITHIN_MS = 60_000;
/** Until every broker knows of a changed setting. */
const CONFIGURED_MS = 1_000;
/** `ConfigSource` of Kafka's protocol. */
const OF_THE_TOPIC = 1;
const LARGEST_BYTES = 20_000;
/** By itself more than the topic takes, also when it is compressed; no text may be longer. */
const LARGE = Object.fromEntries(
  Array.from({ length: 30 }, (_, index) => [`text${index}`, randomBytes(750).toString('base64')]),
);

/** Topics that are not as Fieldgate wants them. A denial by ACL is not among them: the brokers of the bench have no authorizer. */
export const topicCases: readonly FaultCase[] = [
  {
    name: 'F11',
    title: 'not enough replicas: min.insync.replicas 3 with one of three brokers down, 15 s',
    takesMs: 40_000,
    async run({ services, during, between }) {
      const one = down(services, [between(0, 2)]);
      await withSetting(services, ['min.insync.replicas', '3'], () => during(one, 15_000));
    },
  },
  {
    name: 'F12',
    title: 'messages too large for the topic among good ones, 10 s',
    promise: 'when a neighbour in the batch is too large for the topic',
    takesMs: 20_000,
    load: { badReadings: (n) => (n % 23 === 7 ? LARGE : undefined) },
    async run({ services, load, wait, reaches, faultEnded }) {
      await withSetting(services, ['max.message.bytes', String(LARGEST_BYTES)], async () => {
        await wait(CONFIGURED_MS);
        load.mixesInBad = true;
        await wait(10_000);
        load.mixesInBad = false;
        load.pause(); // the limit stands until all of them are answered
        await reaches('everything is answered', () => load.unanswered === 0, SETTLES_WITHIN_MS);
      });
      load.resume();
      faultEnded();
    },
  },
  {
    name: 'F13',
    title: 'the telemetry topic deleted under load, and made again after 10 s',
    takesMs: 35_000,
    async run({ services, load, reaches, during, logBeginsAnew }) {
      load.pause(); // what nobody has read is lost with the topic, and rightly
      await reaches('nothing is in flight', () => load.unanswered === 0, SETTLES_WITHIN_MS);
      const stored = async (): Promise<boolean> => (await lagOf(services.admin, 'fieldgate.storage')) === 0;
      await reaches('everything in the topic is stored', stored, SETTLES_WITHIN_MS);
      await during(
        {
          begin: async () => {
            await services.admin.deleteTopics({ topics: [TELEMETRY] });
            load.resume();
          },
          end: () => makeAgain(services),
        },
        10_000,
      );
      logBeginsAnew();
    },
  },
];

/** A setting of the telemetry topic, which then gets back what it had. */
async function withSetting(
  { admin }: BenchServices,
  [name, value]: readonly [string, string],
  work: () => Promise<void>,
): Promise<void> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: TELEMETRY };
  const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
  const own = (resources[0]?.configEntries ?? []).filter(({ configSource }) => configSource === OF_THE_TOPIC);
  const before = own.map((entry) => ({ name: entry.configName, value: entry.configValue }));
  const alter = (configEntries: typeof before): Promise<unknown> =>
    admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] }); // all of them: the others go
  await alter(before.filter((entry) => entry.name !== name).concat({ name, value }));
  try {
    await work();
  } finally {
    await alter(before);
  }
}

/** As Fieldgate made it. */
async function makeAgain({ admin, cluster }: BenchServices): Promise<void> {
  const configEntries = [
    { name: 'min.insync.replicas', value: '2' },
    { name: 'max.message.bytes', value: '1050624' },
  ];
  const topic = { topic: TELEMETRY, numPartitions: 8, replicationFactor: 3, configEntries };
  await admin.createTopics({ topics: [topic] });
  await cluster.untilInSync();
}
