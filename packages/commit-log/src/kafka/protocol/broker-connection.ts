import { Connection, ResponseError, type API } from '@platformatic/kafka';
import { unavailable } from './protocol-codes.js';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** The longest that a timer can be set for: requests run out of time here, and never there. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * One TCP connection to one broker. A request that is not answered in time destroys the connection: what was asked on it may still
 * happen, and an answer that comes late must not be taken for the answer to something newer. The time is kept here: the connection of
 * `@platformatic/kafka` settles a request that it has timed out a second time when it is closed, and then, with others waiting behind, throws
 * where nobody can catch it.
 */
export class BrokerConnection {
  private constructor(
    private readonly connection: Connection,
    private readonly requestTimeoutMs: number,
  ) {}

  static async open(
    clientId: string,
    address: BrokerAddress,
    requestTimeoutMs: number,
  ): Promise<BrokerConnection> {
    const connection = new Connection(clientId, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: NEVER_MS,
    });
    connection.on('error', () => {}); // every request in flight hears of it through its own answer; unheard it would end the process
    await connection.connect(address.host, address.port);
    return new BrokerConnection(connection, requestTimeoutMs);
  }

  get usable(): boolean {
    return this.connection.isConnected() && !this.connection.socket.destroyed;
  }

  /** The answer as it came, with the error codes of partitions in it; rejects when there was no answer. */
  async ask<Request extends unknown[], Answer>(
    api: API<Request, Answer>,
    ...request: Request
  ): Promise<Answer> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.destroy();
    }, this.requestTimeoutMs);
    try {
      return await api.async(this.connection, ...request);
    } catch (error) {
      // the parsers throw an answer that carries any error code; each partition is looked at by itself instead
      if (error instanceof ResponseError && error['response'] !== undefined)
        return error['response'] as Answer; // the same parser made it
      this.destroy();
      throw isLate ? unavailable(`no answer within ${this.requestTimeoutMs} ms`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends every request in flight with an error, at once. */
  destroy(): void {
    this.connection.socket.destroy();
  }
}

/** What a request needs of a connection. */
export type BrokerRequests = Pick<BrokerConnection, 'usable' | 'ask' | 'destroy'>;
