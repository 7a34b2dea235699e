import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { startInflux, type InfluxServer } from '../../ops/services/influx-server.mjs';
import { startKafkaCluster, type KafkaCluster } from '../../ops/services/kafka-cluster.mjs';
import { freePorts } from '../../ops/services/ports.mjs';
import { NO_FAULT } from './proxy-fault.js';
import { Proxy } from './proxy.js';
import { TelemetryTopic } from './telemetry-topic.js';

export interface ClusterOptions {
  /** Default 3. */
  readonly nodes?: 1 | 3;
  /** Of each broker, beside those of ops/services. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly report?: (line: string) => void;
}

/** What all cases of a run share: three brokers and an InfluxDB, each behind a proxy, and a client of Kafka that goes past the proxies. */
export class BenchServices {
  private constructor(
    readonly cluster: KafkaCluster,
    readonly influx: InfluxServer,
    /** One in front of each broker, in the order of the nodes. */
    readonly brokers: readonly Proxy[],
    readonly store: Proxy,
    /** Past the proxies: for the oracle, and for cases that change topics. */
    readonly kafka: Kafka,
    readonly admin: Admin,
    readonly topic: TelemetryTopic,
  ) {}

  static async start(options: ClusterOptions = {}): Promise<BenchServices> {
    const { nodes = 3, properties = {}, report = () => undefined } = options;
    const behind = await freePorts(2 * nodes);
    const listen = behind.slice(0, nodes);
    const advertised = behind.slice(nodes);
    const fronts = listen.map((port, index) => ({ listen: port, advertised: advertised[index] ?? 0 }));
    const [cluster, influx] = await Promise.all([
      startKafkaCluster({ nodes, fronts, properties, report }),
      startInflux({ report }),
    ]);
    const brokers = await Promise.all(fronts.map((front) => Proxy.open(front.listen, front.advertised)));
    const kafka = new kafkajs.Kafka({
      clientId: 'fault-bench',
      brokers: [...cluster.bootstrap],
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    const store = await Proxy.open(influx.port);
    return new BenchServices(cluster, influx, brokers, store, kafka, admin, new TelemetryTopic(admin));
  }

  /** What Fieldgate is told. */
  environment(database: string): Record<string, string> {
    return {
      FIELDGATE_KAFKA_BROKERS: this.brokers.map(({ port }) => `127.0.0.1:${port}`).join(','),
      FIELDGATE_INFLUX_URL: `http://127.0.0.1:${this.store.port}/${database}`,
    };
  }

  /** Nothing stands in the way, and everything runs: however a case has ended. */
  async mend(): Promise<void> {
    for (const proxy of [...this.brokers, this.store]) await proxy.set(NO_FAULT);
    this.influx.thaw();
    for (const node of this.cluster.nodes) node.thaw();
    await Promise.all(this.cluster.nodes.filter(({ pid }) => pid === undefined).map((node) => node.start()));
    await this.influx.start();
    await this.cluster.untilReady();
    await this.topic.restore();
    await this.cluster.untilInSync();
  }

  async stop(): Promise<void> {
    await this.admin.disconnect();
    await Promise.all([...this.brokers, this.store].map((proxy) => proxy.stop()));
    await Promise.all([this.cluster.stop(), this.influx.stop()]);
  }
}
