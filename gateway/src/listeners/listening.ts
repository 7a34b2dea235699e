import type { AddressInfo, Server } from 'node:net';
import { FieldgateError } from '@fieldgate/contracts';
import { droppedConnectionsTotal } from '../gateway.metrics.js';

/**
 * Of every socket that is accepted. Keep-alive of TCP: a device that said 0 for that of MQTT and is gone is noticed all the same. After ten
 * minutes its system is asked, and then every second, ten times (libuv); sooner would end devices whose radio sleeps for minutes.
 */
export const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 600_000 };

/** Where devices come in: a port, and how their streams arrive on it. */
export interface Listener {
  /** What it is in the log: `mqtt`, `mqtts`, `ws` or `wss`. */
  readonly scheme: string;
  /** Resolves when it listens. */
  start(): Promise<AddressInfo>;
  /** Takes no new connections; those that are open are for others to end. */
  close(): void;
}

/** A port of the configuration, and the variables that name it. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** `FIELDGATE_MQTT_PORT` */
  readonly portVariable: string;
  /** Of this port, also those that are no MQTT connections yet or any more; more are closed at once. */
  readonly maxConnections: number;
}

/** Makes a server listen; `failed` hears of an error of the socket that listens, after the start. */
export function listen(
  server: Server,
  endpoint: Endpoint,
  failed: (error: Error) => void,
): Promise<AddressInfo> {
  const { host, port } = endpoint;
  server.maxConnections = endpoint.maxConnections;
  server.on('drop', () => droppedConnectionsTotal.inc());
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(listenError(error, endpoint));
    server.once('error', refused);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.removeListener('error', refused);
      server.on('error', failed);
      resolve(server.address() as AddressInfo); // a TCP server that listens has one
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, { host, port, portVariable }: Endpoint): FieldgateError {
  if (cause.code === 'EADDRINUSE') {
    const detail = `MQTT cannot listen on ${host}:${port} (${portVariable}): another program does`;
    return new FieldgateError('port-taken', detail, { cause });
  }
  if (cause.code === 'EACCES') {
    const detail = `MQTT may not listen on ${host}:${port} (${portVariable}): the system keeps ports below 1024`;
    return new FieldgateError('port-taken', detail, { cause });
  }
  const detail = `FIELDGATE_MQTT_HOST: MQTT cannot listen on ${host}:${port} (${cause.code ?? cause.message})`;
  return new FieldgateError('config-invalid', detail, { cause });
}
