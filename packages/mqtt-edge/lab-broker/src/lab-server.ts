import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { LabBroker } from './lab-broker.js';
import { LAB_LIMITS, type LabLimits } from './lab-limits.js';

const TICK_MS = 1_000;

export interface LabServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly limits?: Partial<LabLimits>;
  /** Milliseconds; by default those of the process. */
  readonly now?: () => number;
}

/** A lab broker on a TCP port. */
export class LabServer {
  private readonly broker: LabBroker;
  private readonly server: Server;
  private ticking: NodeJS.Timeout | undefined;

  constructor(private readonly options: LabServerOptions) {
    const limits = { ...LAB_LIMITS, ...options.limits };
    this.broker = new LabBroker({
      limits,
      now: options.now ?? (() => performance.now()),
      newClientId: () => `lab-${randomUUID()}`,
    });
    this.server = createServer({ noDelay: true }, (socket) => this.broker.accept(socket));
    this.server.maxConnections = limits.connections;
  }

  /** Returns the port. */
  async start(): Promise<number> {
    this.server.listen(this.options.port, this.options.host);
    await once(this.server, 'listening');
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    return (this.server.address() as AddressInfo).port; // of TCP
  }

  /** Everything that is due by the clock; comes by itself once a second. */
  tick(): void {
    this.broker.tick();
  }

  /** Everyone is told to go. Resolves when the last client has gone, or has been torn down by a tick. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve()); // an error says that it was closed before
    });
    this.broker.stop();
    await closed;
    clearInterval(this.ticking);
  }
}
