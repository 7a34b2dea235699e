import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FieldgateError } from '@fieldgate/contracts';
import { droppedConnectionsTotal } from '../gateway.metrics.js';

/** MQTT over plain TCP. Sockets go to `accept` as they come; more than `maxConnections` are closed at once. */
export class TcpListener {
  private readonly server: Server;

  constructor(
    private readonly options: {
      readonly host: string;
      readonly port: number;
      readonly maxConnections: number;
      /** Hears of an error of the socket that listens, after the start. */
      readonly failed: (error: Error) => void;
    },
    accept: (socket: Socket) => void,
  ) {
    this.server = createServer({ noDelay: true }, accept);
    this.server.maxConnections = options.maxConnections;
    this.server.on('drop', () => droppedConnectionsTotal.inc());
  }

  start(): Promise<AddressInfo> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
      this.server.once('error', failed);
      this.server.listen({ host, port, backlog: 1024 }, () => {
        this.server.removeListener('error', failed);
        this.server.on('error', this.options.failed);
        resolve(this.server.address() as AddressInfo); // a TCP server that listens has one
      });
    });
  }

  /** Takes no new connections; those that are open are the broker's to end. */
  close(): void {
    this.server.close();
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): FieldgateError {
  if (cause.code === 'EADDRINUSE') {
    const detail = `MQTT cannot listen on ${host}:${port}: another program does. Stop it, or set FIELDGATE_MQTT_PORT.`;
    return new FieldgateError('port-taken', detail, { cause });
  }
  if (cause.code === 'EACCES') {
    const detail = `MQTT may not listen on ${host}:${port}: the system does not allow it. Choose a FIELDGATE_MQTT_PORT above 1023.`;
    return new FieldgateError('port-taken', detail, { cause });
  }
  const detail = `MQTT cannot listen on ${host}:${port} (${cause.code ?? cause.message}). Check FIELDGATE_MQTT_HOST.`;
  return new FieldgateError('config-invalid', detail, { cause });
}
