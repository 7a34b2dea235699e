import { describe, expect, it } from '@jest/globals';
import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import {
  faultsOf,
  fewReplicas,
  MAX_MESSAGE_BYTES,
  partitionsFor,
  replicasFor,
  type TopicState,
} from './topic-faults.js';

const TELEMETRY: LogTopic = 'fieldgate.telemetry.v1';
const DEVICES: LogTopic = 'fieldgate.devices.v1';
const GATEWAYS: LogTopic = 'fieldgate.gateways.v1';

function state(topic: LogTopic, different: Partial<TopicState> = {}): TopicState {
  const { partitions, cleanup } = LOG_TOPICS[topic];
  return {
    topic,
    partitions,
    cleanup,
    replicas: 3,
    minInSync: 2,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    ...different,
  };
}

describe('the check of topics that exist', () => {
  it('finds nothing wrong with topics as they are created, nor with none', () => {
    expect(faultsOf([])).toEqual([]);
    expect(faultsOf([TELEMETRY, DEVICES, GATEWAYS].map((topic) => state(topic)))).toEqual([]);
  });

  it.each<[string, Partial<TopicState>, string]>([
    ['wrong clean-up', { cleanup: 'compact' }, 'has cleanup.policy=compact, it must be delete'],
    ['too few partitions', { partitions: 3 }, 'has 3 partitions, it must have at least 8'],
    [
      'records too small',
      { maxMessageBytes: 1_048_588 },
      'max.message.bytes=1048588, set it to 1050624 or more',
    ],
  ])('names a topic with %s, and what must be', (_, different, sentence) => {
    expect(faultsOf([state(TELEMETRY, different)])).toEqual([
      expect.stringMatching(new RegExp(`^topic ${TELEMETRY} .*${sentence}$`)),
    ]);
  });

  it('finds one topic of devices that was grown alone', () => {
    expect(faultsOf([state(TELEMETRY, { partitions: 11 }), state(DEVICES), state(GATEWAYS)])).toEqual([
      `the topics of devices must have the same number of partitions, but ${TELEMETRY} has 11, ${DEVICES} has 8`,
    ]);
  });

  it('takes topics of devices that all have more, and creates those that are missing with as many', () => {
    const existing = [
      state(GATEWAYS),
      state(TELEMETRY, { partitions: 24 }),
      state(DEVICES, { partitions: 24 }),
    ];
    expect(faultsOf(existing)).toEqual([]);
    expect(partitionsFor('fieldgate.events.v1', existing)).toBe(24);
    expect(partitionsFor(GATEWAYS, existing)).toBe(1);
    expect(partitionsFor(TELEMETRY, [state(GATEWAYS)])).toBe(8);
  });
});

describe('the replicas of topics', () => {
  it('are told when the loss of one broker matters', () => {
    const topics = [state(TELEMETRY, { replicas: 1 }), state(DEVICES), state(GATEWAYS, { minInSync: 1 })];
    expect(fewReplicas(topics)).toEqual([
      `${TELEMETRY}: replication factor 1, min.insync.replicas 2`,
      `${GATEWAYS}: replication factor 3, min.insync.replicas 1`,
    ]);
  });

  it.each([
    { alive: 1, configured: 1, replicas: 1 },
    { alive: 3, configured: 1, replicas: 3 }, // one address is enough to find the others
    { alive: 5, configured: 2, replicas: 3 },
    { alive: 1, configured: 3, replicas: 3 }, // two of them are only away
    { alive: 2, configured: 5, replicas: 3 },
  ])('of a new topic, with $alive brokers of $configured: $replicas', ({ replicas, ...brokers }) => {
    expect(replicasFor(brokers)).toBe(replicas);
  });
});
