import type { Logger } from './logger.js';

export const SUPERVISOR = Symbol('Supervisor');

/**
 * The one who hears of everything that goes on in the background. A task that ends with an error ends the process: in order, with one
 * line that says why, and exit code 1. Whoever can wait for a better world (a log that is away) must not let it come this far.
 */
export class Supervisor {
  private readonly listeners: ((error: unknown) => void)[] = [];
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly logger: Logger) {}

  /** Runs a task that nobody awaits. */
  run(name: string, task: () => Promise<void>): void {
    task().catch((error: unknown) => this.fail(name, error));
  }

  fail(name: string, error: unknown): void {
    if (this.failure) return;
    this.failure = { error };
    this.logger.debug({ err: error, task: name }, 'task failed');
    for (const listener of this.listeners) listener(error);
  }

  /** Called once, also when the failure came first. */
  onFailure(listener: (error: unknown) => void): void {
    this.listeners.push(listener);
    if (this.failure) listener(this.failure.error);
  }
}
