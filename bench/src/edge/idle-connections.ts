import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { benchDevices } from '../mqtt/bench-devices.js';
import { Connection, openAll } from '../mqtt/connection.js';
import type { Credentials } from '../mqtt/packets.js';
import type { Transport } from '../mqtt/transport.js';
import { fixed, progress, whole } from '../report.js';
import { withFolder } from '../systems/folders.js';
import { withServer, type OwnServer } from '../systems/ingest-systems.js';
import { anonymousMb, rssMb } from '../systems/usage.js';

export const TRANSPORTS = { TCP: 'mqtt', TLS: 'mqtts', WebSocket: 'ws' } as const satisfies Record<
  string,
  Transport
>;
export type TransportName = keyof typeof TRANSPORTS;

/** They stay connected throughout and are not counted: the first thousand also grows what every process has once. */
const EARLIER = 1_000;
const COUNTS = [1_000, 10_000] as const;
/** Files that a process has open besides its connections, plenty. */
const OTHER_FILES = 500;
/** Of 127.0.0.0/8, so that no pair of addresses runs out of ports. */
const SOURCES = 8;

export interface IdleCost {
  readonly transport: TransportName;
  readonly subscribed: boolean;
  readonly connections: number;
  /** RSS of the gateway per connection, KB, when its garbage has been collected. */
  readonly kilobytes: number;
  /** What of it is no file: without the pages of the log, in which a connection is an event and a row. */
  readonly anonymousKilobytes: number;
}

/** A fresh gateway for each kind of connection: connected and silent, publish-only or subscribed to their commands. */
export async function measureIdleConnections(): Promise<readonly IdleCost[]> {
  const costs: IdleCost[] = [];
  const counts = COUNTS.filter((count) => EARLIER + count + OTHER_FILES <= openFilesAllowed());
  if (counts.length < COUNTS.length) progress('edge  idle connections: `ulimit -Hn` allows no 10,000');
  for (const transport of Object.keys(TRANSPORTS) as TransportName[])
    // its own keys
    for (const subscribed of [false, true])
      for (const cost of await idleCosts(transport, subscribed, counts)) {
        costs.push(cost);
        const of = `${transport}${subscribed ? ', subscribed' : ''}, ${whole(cost.connections)}`;
        progress(`edge  idle connections, ${of}: ${fixed(cost.kilobytes, 1)} KB`);
      }
  return costs;
}

/** Node has raised its own limit to the hard one, which the gateway inherits. */
function openFilesAllowed(): number {
  const [, soft] = /Max open files\s+(\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === 'unlimited' ? Infinity : Number(soft);
}

function idleCosts(
  transport: TransportName,
  subscribed: boolean,
  counts: readonly number[],
): Promise<readonly IdleCost[]> {
  const devices = benchDevices(EARLIER + Math.max(...counts));
  return withGatewayOfAllPorts(devices.length, async (gateway) => {
    const port = gateway.ports[TRANSPORTS[transport]] ?? 0;
    const connect = (from: number, to: number): Promise<Connection[]> =>
      openAll(to - from, (index) =>
        open(devices[from + index], { port, transport, subscribed }, from + index),
      );
    const opened = await connect(0, EARLIER);
    const before = await memory(gateway);
    const costs: IdleCost[] = [];
    for (const connections of counts) {
      opened.push(...(await connect(opened.length, EARLIER + connections)));
      const after = await memory(gateway);
      costs.push({
        transport,
        subscribed,
        connections,
        kilobytes: ((after.rss - before.rss) * 1024) / connections,
        anonymousKilobytes: ((after.anonymous - before.anonymous) * 1024) / connections,
      });
    }
    for (const connection of opened) connection.close();
    return costs;
  });
}

async function open(
  device: Credentials = { id: '', secret: '' },
  how: { readonly port: number; readonly transport: TransportName; readonly subscribed: boolean },
  index: number,
): Promise<Connection> {
  const localAddress = `127.0.0.${2 + (index % SOURCES)}`;
  const target = {
    port: how.port,
    device,
    version: 4 as const,
    transport: TRANSPORTS[how.transport],
    localAddress,
  };
  const connection = await Connection.open(target, () => undefined);
  if (how.subscribed) await connection.subscribe(`devices/${device.id}/commands/#`);
  return connection;
}

/** MB. What comes with a connection (its entry in the log, its row in a table) shall be done, and its garbage collected. */
async function memory(gateway: OwnServer): Promise<{ rss: number; anonymous: number }> {
  for (let collection = 1; collection <= 2; collection += 1) {
    await seconds(1);
    await gateway.selfReport();
  }
  return { rss: rssMb(gateway.pid), anonymous: anonymousMb(gateway.pid) };
}

function withGatewayOfAllPorts<T>(devices: number, use: (gateway: OwnServer) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const certificate = await generate([{ name: 'commonName', value: 'bench.example' }], { keyType: 'ec' });
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await writeFile(certFile, certificate.cert);
    await writeFile(keyFile, certificate.private);
    const settings = {
      FIELDGATE_DATA_DIR: join(folder, 'data'),
      FIELDGATE_MQTT_TLS_PORT: '0',
      FIELDGATE_MQTT_WS_PORT: '0',
      FIELDGATE_MQTT_TLS_CERT_FILE: certFile,
      FIELDGATE_MQTT_TLS_KEY_FILE: keyFile,
    };
    return withServer(
      'processes/gateway.js',
      [JSON.stringify(settings), String(devices)],
      ['--expose-gc'],
      use,
    );
  });
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
