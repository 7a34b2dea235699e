import { cpSync } from 'node:fs';
import { freePorts } from '../../../ops/services/ports.mjs';
import { startInflux, type InfluxServer } from '../../../ops/services/influx-server.mjs';
import { startKafkaCluster, type KafkaCluster } from '../../../ops/services/kafka-cluster.mjs';
import { until } from '../operator.js';
import type { Outcome, Program } from '../program.js';
import { serviceOf, type Compose } from './compose-file.js';
import type { NativeImage } from './native-image.js';

/** The other loopback address: who listens on 127.0.0.1 alone is not reached, as in a container. */
const OUTSIDE = '127.0.0.2';
const HEALTHY_MS = 60_000;

/** Properties that only hold in the network of the containers. */
const OF_THE_NETWORK = new Set([
  'node.id',
  'process.roles',
  'controller.quorum.voters',
  'listeners',
  'advertised.listeners',
  'log.dirs',
]);

/** docker-compose.yml as processes of this machine: the settings and the commands of its services, with only the addresses changed. */
export class NativeStack {
  private readonly programs = new Map<string, Program>();
  private readonly ports = new Map<string, { readonly mqtt: number; readonly http: number }>();

  private constructor(
    private readonly compose: Compose,
    private readonly image: NativeImage,
    private readonly kafka: KafkaCluster,
    readonly influx: InfluxServer,
  ) {}

  static async withServices(compose: Compose, image: NativeImage): Promise<NativeStack> {
    const kafka = await startKafkaCluster({
      properties: kafkaProperties(serviceOf(compose, 'kafka').environment),
    });
    const { environment } = serviceOf(compose, 'influxdb');
    const influx = await startInflux({ environment });
    for (const statement of firstStatements(environment)) await askInflux(influx.url, statement, environment);
    return new NativeStack(compose, image, kafka, influx);
  }

  /** A service of our image, as compose starts it; returns when its own health check says so. */
  async start(name: string): Promise<void> {
    const service = serviceOf(this.compose, name);
    const [mqtt = 0, http = 0] = await freePorts(2);
    this.ports.set(name, { mqtt, http });
    const environment = {
      ...Object.fromEntries(
        Object.entries(service.environment).map(([key, value]) => [key, this.native(value)]),
      ),
      FIELDGATE_MQTT_PORT: String(mqtt),
      FIELDGATE_HTTP_PORT: String(http),
      ...this.mounts(service.environment, service.volumes),
    };
    const program = this.image.run(
      service.command.map((word) => this.native(word)),
      environment,
    );
    this.programs.set(name, program);
    if (service.healthcheck?.test[0] === 'NONE') return;
    const look = async (): Promise<Outcome> => {
      if (!program.isRunning) throw new Error(`${name}: ${JSON.stringify(await program.ended())}`);
      return this.image.execute(this.image.healthcheck, environment).ended();
    };
    const { code, stdout } = await until(look, (outcome) => outcome.code === 0, HEALTHY_MS);
    if (code !== 0) throw new Error(`${name} is not healthy: ${stdout}`);
  }

  /** Of the service, for who stands outside of it. */
  http(name: string): string {
    return `http://${OUTSIDE}:${this.ports.get(name)?.http ?? 0}`;
  }

  program(name: string): Program {
    const program = this.programs.get(name);
    if (!program) throw new Error(`${name} has not been started`);
    return program;
  }

  /** An address of the network of the containers as one of this machine. */
  native(text: string): string {
    let result = text
      .replaceAll('kafka:9092', this.kafka.bootstrap.join(','))
      .replaceAll('influxdb:8086', new URL(this.influx.url).host);
    for (const [name, { mqtt, http }] of this.ports)
      result = result
        .replaceAll(`${name}:1883`, `${OUTSIDE}:${mqtt}`)
        .replaceAll(`${name}:8080`, `${OUTSIDE}:${http}`);
    return result;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.programs.values()].map((program) => program.stop('SIGKILL')));
    await this.kafka.stop();
    await this.influx.stop();
  }

  /** Variables that name a file in a mounted folder name it where it is here. */
  private mounts(
    environment: Readonly<Record<string, string>>,
    volumes: readonly string[],
  ): Record<string, string> {
    const result: Record<string, string> = {};
    for (const volume of volumes) {
      const [here = '', inside = ''] = volume.split(':');
      for (const [name, value] of Object.entries(environment)) {
        if (!value.startsWith(`${inside}/`)) continue;
        const mounted = this.image.path(inside); // a copy: the user of the image need not reach this folder, as through a mount it does
        cpSync(here, mounted, { recursive: true });
        result[name] = mounted + value.slice(inside.length);
      }
    }
    return result;
  }
}

/** `KAFKA_LOG_DIRS` is `log.dirs`: the image of Kafka writes its server.properties that way. */
function kafkaProperties(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment)
      .filter(([name]) => name.startsWith('KAFKA_') && name !== 'KAFKA_HEAP_OPTS')
      .map(
        ([name, value]) => [name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'), value] as const,
      )
      .filter(([name]) => !OF_THE_NETWORK.has(name)),
  );
}

/** What the image of InfluxDB 1.x does at its first start. */
function firstStatements(env: Readonly<Record<string, string>>): readonly string[] {
  const { INFLUXDB_DB: database = '', INFLUXDB_USER: user = '', INFLUXDB_READ_USER: reader = '' } = env;
  return [
    `CREATE USER "${env['INFLUXDB_ADMIN_USER']}" WITH PASSWORD '${env['INFLUXDB_ADMIN_PASSWORD']}' WITH ALL PRIVILEGES`,
    `CREATE DATABASE "${database}"`,
    `CREATE USER "${user}" WITH PASSWORD '${env['INFLUXDB_USER_PASSWORD']}'`,
    `GRANT ALL ON "${database}" TO "${user}"`,
    `CREATE USER "${reader}" WITH PASSWORD '${env['INFLUXDB_READ_USER_PASSWORD']}'`,
    `GRANT READ ON "${database}" TO "${reader}"`,
  ];
}

async function askInflux(
  url: string,
  q: string,
  { INFLUXDB_ADMIN_USER: u = '', INFLUXDB_ADMIN_PASSWORD: p = '' }: Readonly<Record<string, string>>,
): Promise<void> {
  const response = await fetch(`${url}/query?${new URLSearchParams({ q, u, p })}`, { method: 'POST' });
  const text = await response.text();
  if (!response.ok || text.includes('"error"')) throw new Error(`${q}: ${text}`);
}
