import { closeSync, openSync } from 'node:fs';
import type { Logger } from '@fieldgate/service';
import { descriptorsExhaustedGauge } from '../gateway.metrics.js';

const LOOK_MS = 1_000;
/** What is free for a moment is taken by the next connection: so often in a row something must be free. */
const FREE_LOOKS = 5;
/** Of the process, of the system. */
const EXHAUSTED = new Set<unknown>(['EMFILE', 'ENFILE']);

/**
 * Whether a file descriptor is left. Where none is, libuv accepts each new connection with one that it has kept back, and closes it at once;
 * Node tells nobody. So it is tried, and in this very thread: whoever took that one meanwhile would break the socket that listens.
 */
export class DescriptorWatch {
  private timer: NodeJS.Timeout | undefined;
  private freeLooks = FREE_LOOKS;

  constructor(
    private readonly logger: Logger,
    private readonly tryOne: () => void = () => closeSync(openSync('/', 'r')),
  ) {}

  start(): void {
    this.timer ??= setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    descriptorsExhaustedGauge.set(0);
  }

  look(): void {
    const wasExhausted = this.freeLooks < FREE_LOOKS;
    this.freeLooks = this.isExhausted() ? 0 : Math.min(this.freeLooks + 1, FREE_LOOKS);
    const isExhausted = this.freeLooks < FREE_LOOKS;
    if (isExhausted === wasExhausted) return;
    descriptorsExhaustedGauge.set(isExhausted ? 1 : 0);
    if (isExhausted) this.logger.error('no file descriptor is left: new connections are closed');
    else this.logger.info('file descriptors are left again');
  }

  private isExhausted(): boolean {
    try {
      this.tryOne();
      return false;
    } catch (error) {
      return EXHAUSTED.has((error as NodeJS.ErrnoException).code); // of any other error there is nothing to say here
    }
  }
}
