import { writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startKafkaCluster } from '../../../ops/services/kafka-cluster.mjs';
import { benchDevices } from '../mqtt/bench-devices.js';
import type { SelfReport } from '../processes/self-report.js';
import { Child } from './child.js';
import { registerDevices, startFieldgate, NODE_FLAGS } from './fieldgate.js';
import { withFolder } from './folders.js';

/** Something that takes PUBLISHes, while it runs. */
export interface IngestSystem {
  readonly port: number;
  readonly pid: number;
  /** The log's own process, where it has one. */
  readonly logPid?: number;
  /** What it knows of itself, where it is a process of this bench. */
  readonly selfReport?: () => Promise<SelfReport>;
}

/** By scheme; those that it was not told to open are missing. */
type Ports = { readonly mqtt: number } & Readonly<Record<string, number>>;

export interface OwnServer extends IngestSystem {
  readonly ports: Ports;
  readonly selfReport: () => Promise<SelfReport>;
}

export interface IngestSystemKind {
  readonly name: string;
  during<T>(use: (system: IngestSystem) => Promise<T>): Promise<T>;
}

/** As many as the widest load has. */
export const DEVICES = 1_000;
const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(
  (path) => existsSync(path),
);

/** Undefined where it is not installed. It stores nothing and has no subscriber: the least that a broker can do. */
export const mosquitto: IngestSystemKind | undefined =
  MOSQUITTO === undefined
    ? undefined
    : {
        name: 'Mosquitto, nothing stored',
        during: (use) =>
          withFolder(async (folder) => {
            const port = await freePort();
            const file = join(folder, 'mosquitto.conf');
            await writeFile(
              file,
              `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_type error\n`,
            );
            const child = Child.start([MOSQUITTO, '-c', file]);
            return stopping(child, async () => {
              await answering(port);
              return use({ port, pid: child.pid });
            });
          }),
      };

/** The gateway's role alone, on the embedded log. */
export const embeddedGateway: IngestSystemKind = {
  name: 'gateway → embedded log',
  during: (use) => withFolder((folder) => withGateway({ FIELDGATE_DATA_DIR: folder }, [], use)),
};

/** The gateway's role alone, on a real Kafka of one node (`acks: all`). */
export const kafkaGateway: IngestSystemKind = {
  name: 'gateway → Kafka',
  during: (use) =>
    withFolder(async (folder) => {
      const cluster = await startKafkaCluster({ nodes: 1, dataDir: join(folder, 'kafka') });
      try {
        const logPid = cluster.nodes[0]?.pid;
        const settings = {
          FIELDGATE_DATA_DIR: join(folder, 'gateway'),
          FIELDGATE_KAFKA_BROKERS: cluster.bootstrap.join(','),
        };
        return await withGateway(settings, [], (gateway) =>
          use({ ...gateway, ...(logPid === undefined ? {} : { logPid }) }),
        );
      } finally {
        await cluster.stop();
      }
    }),
};

/** What `npm start` starts: gateway, processors and API in one process, which stores while it takes more. */
export const allInOne: IngestSystemKind = {
  name: 'fieldgate start (stores meanwhile)',
  during: (use) =>
    withFolder(async (folder) => {
      const { child, http, mqttPort } = await startFieldgate(folder);
      return stopping(child, async () => {
        await registerDevices(http, benchDevices(DEVICES));
        return use({ port: mqttPort, pid: child.pid });
      });
    }),
};

/** A process of its own with the modules that the command line composes, and none of the processors. */
export async function withGateway<T>(
  settings: Readonly<Record<string, string>>,
  flags: readonly string[],
  use: (system: OwnServer) => Promise<T>,
): Promise<T> {
  return withServer('processes/gateway.js', [JSON.stringify(settings), String(DEVICES)], flags, use);
}

/** A server of this bench: it says its ports when it is ready, and reports on itself when it is asked. */
export async function withServer<T>(
  module: string,
  args: readonly string[],
  flags: readonly string[],
  use: (system: OwnServer) => Promise<T>,
): Promise<T> {
  const child = Child.node(module, args, [...NODE_FLAGS, ...flags]);
  return stopping(child, async () => {
    const line = await child.line('ready');
    const ports = line['ports'] as Ports; // written by our own processes
    const selfReport = async (): Promise<SelfReport> =>
      (await child.ask('SIGUSR2', 'self-report'))['report'] as SelfReport; // written by processes/self-report.ts
    return use({ port: ports.mqtt, ports, pid: child.pid, selfReport });
  });
}

export async function stopping<T>(child: Child, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await child.stop();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** For a server that says nothing when it is ready. */
export async function answering(port: number): Promise<void> {
  const { Connection } = await import('../mqtt/connection.js');
  const [device] = benchDevices(1);
  if (!device) return;
  for (let attempt = 1; ; attempt += 1) {
    try {
      (await Connection.open({ port, device, version: 4 }, () => undefined)).close();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
