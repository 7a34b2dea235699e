import { FieldgateError } from '@fieldgate/contracts';
import type { Running } from './start.js';
import { whatToDo } from './what-to-do.js';

/** How long a graceful stop may take before the process ends anyway, ms. */
const GRACE_MS = 10_000;

/** What runs beside the roles, and ends with them. */
export interface Companion {
  /** Resolves with the reason when it has failed: then the roles stop too. */
  readonly failed: Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * The life of a process: until SIGTERM or SIGINT (a second one ends it at once), or until something in it fails for good. Sets the
 * exit code; nothing keeps the process up afterwards.
 */
export async function runUntilStopped(
  running: Pick<Running, 'logger' | 'onFailure' | 'stop'>,
  companion?: Companion,
  exit: (code: number) => void = (code) => process.exit(code),
): Promise<void> {
  const reason = await new Promise<{ readonly error?: unknown }>((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      process.once('SIGTERM', endNow);
      process.once('SIGINT', endNow);
      running.logger.info({ signal }, 'stopping');
      resolve({});
    };
    process.once('SIGTERM', onSignal);
    process.once('SIGINT', onSignal);
    running.onFailure((error) => resolve({ error }));
    void companion?.failed.then((error) => resolve({ error }));
  });
  if (reason.error !== undefined) explain(reason.error);
  const timer = setTimeout(() => {
    process.stderr.write(
      `fieldgate: not stopped within ${GRACE_MS / 1000} s; ending now. What was not acknowledged will be sent again.\n`,
    );
    exit(1);
  }, GRACE_MS);
  await companion?.stop();
  await running.stop();
  clearTimeout(timer);
  running.logger.info('stopped');
  exit(reason.error === undefined ? 0 : 1);
}

function endNow(): void {
  process.stderr.write('fieldgate: second signal, ending at once\n');
  process.exit(1);
}

/** One line for a person: what is wrong, and what to do. */
export function explain(error: unknown): void {
  if (error instanceof FieldgateError) {
    process.stderr.write(`fieldgate: ${error.message} [${error.code}] ${whatToDo(error.code)}\n`);
  } else {
    process.stderr.write(
      `fieldgate: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}
