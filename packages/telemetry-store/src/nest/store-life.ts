import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { Readiness, Supervisor } from '@fieldgate/service';
import type { TelemetryStore } from '../telemetry-store.js';

/** The store may come and go without a word to /readyz: whoever waits for ready hears of it this soon. */
const LOOK_EVERY_MS = 1_000;

/** Starts the store beside everything else, and stops it when nothing reads the log any more. */
export class StoreLife implements OnModuleInit, OnApplicationShutdown {
  readonly started: Promise<void>;
  private settle: { resolve: () => void; reject: (error: unknown) => void } = {
    resolve: nothing,
    reject: nothing,
  };
  private look: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: TelemetryStore,
    private readonly supervisor: Supervisor,
    private readonly readiness: Readiness,
  ) {
    this.started = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.started.catch(nothing); // the supervisor reports it
    readiness.add('telemetry store', () => store.problem());
  }

  onModuleInit(): void {
    this.supervisor.run('telemetry store', async () => {
      try {
        await this.store.start();
        this.settle.resolve();
      } catch (error) {
        this.settle.reject(error);
        throw error;
      } finally {
        this.readiness.changed();
      }
    });
    this.look = setInterval(() => this.readiness.changed(), LOOK_EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.look);
    await this.store.stop();
  }
}

function nothing(): void {}
