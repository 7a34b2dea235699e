import { Connection, ResponseError, type API } from '@platformatic/kafka';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

const CONNECT_TIMEOUT_MS = 2_000;

/**
 * One TCP connection to one broker. A request that is not answered in time destroys the connection: what was asked on it may still
 * happen, and an answer that comes late must not be taken for the answer to something newer.
 */
export class BrokerConnection {
  private constructor(private readonly connection: Connection) {}

  static async open(
    clientId: string,
    address: BrokerAddress,
    requestTimeoutMs: number,
  ): Promise<BrokerConnection> {
    const connection = new Connection(clientId, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
    });
    connection.on('error', () => {}); // every request in flight hears of it through its own answer; unheard it would end the process
    await connection.connect(address.host, address.port);
    return new BrokerConnection(connection);
  }

  get usable(): boolean {
    return this.connection.isConnected();
  }

  /** The answer as it came, with the error codes of partitions in it; rejects when there was no answer. */
  async ask<Request extends unknown[], Answer>(
    api: API<Request, Answer>,
    ...request: Request
  ): Promise<Answer> {
    try {
      return await api.async(this.connection, ...request);
    } catch (error) {
      // the parsers throw an answer that carries any error code; each partition is looked at by itself instead
      if (error instanceof ResponseError && error['response'] !== undefined)
        return error['response'] as Answer; // the same parser made it
      this.destroy();
      throw error;
    }
  }

  /** Ends every request in flight with an error, at once. */
  destroy(): void {
    this.connection.socket.destroy();
  }
}

/** What a request needs of a connection. */
export type BrokerRequests = Pick<BrokerConnection, 'usable' | 'ask' | 'destroy'>;
