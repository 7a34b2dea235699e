import kafkajs, { type Admin, type IResourceConfigEntry } from 'kafkajs';
import { TELEMETRY } from './evidence.js';

interface Topic {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: readonly IResourceConfigEntry[];
}

/** `ConfigSource` of Kafka's protocol. */
const OF_THE_TOPIC = 1;
const RESOURCE = { type: kafkajs.ConfigResourceTypes.TOPIC, name: TELEMETRY };

/** Cases change the telemetry topic, and take it away: it comes back as Fieldgate has made it. */
export class TelemetryTopic {
  private asMade: Topic | undefined;

  constructor(private readonly admin: Admin) {}

  /** To be called when Fieldgate has started, before anything is changed. */
  async note(): Promise<void> {
    if (this.asMade !== undefined) return;
    const { topics } = await this.admin.fetchTopicMetadata({ topics: [TELEMETRY] });
    const partitions = topics[0]?.partitions ?? [];
    this.asMade = {
      numPartitions: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? 0,
      configEntries: await this.settings(),
    };
  }

  async set(name: string, value: string): Promise<void> {
    const others = (await this.settings()).filter((entry) => entry.name !== name);
    await this.alter(others.concat({ name, value })); // all of them: the others go
  }

  async delete(): Promise<void> {
    await this.admin.deleteTopics({ topics: [TELEMETRY] });
  }

  /** Also when nothing was changed, or a case has ended in the middle. */
  async restore(): Promise<void> {
    if (this.asMade === undefined) return;
    const { numPartitions, replicationFactor, configEntries } = this.asMade;
    if (!(await this.admin.listTopics()).includes(TELEMETRY)) {
      const topic = { topic: TELEMETRY, numPartitions, replicationFactor, configEntries: [...configEntries] };
      await this.admin.createTopics({ topics: [topic] });
    } else if (shown(await this.settings()) !== shown(configEntries)) {
      await this.alter(configEntries);
    }
  }

  private async settings(): Promise<IResourceConfigEntry[]> {
    const { resources } = await this.admin.describeConfigs({ resources: [RESOURCE], includeSynonyms: false });
    return (resources[0]?.configEntries ?? [])
      .filter(({ configSource }) => configSource === OF_THE_TOPIC)
      .map(({ configName, configValue }) => ({ name: configName, value: configValue }));
  }

  private async alter(configEntries: readonly IResourceConfigEntry[]): Promise<void> {
    const resources = [{ ...RESOURCE, configEntries: [...configEntries] }];
    await this.admin.alterConfigs({ validateOnly: false, resources });
  }
}

function shown(entries: readonly IResourceConfigEntry[]): string {
  return entries
    .map(({ name, value }) => `${name}=${value}`)
    .toSorted()
    .join();
}
