import { ERRORS, FieldgateError } from '@fieldgate/contracts';
import type { Running } from './start.js';

/** How long a graceful stop may take before the process ends anyway, ms. */
const GRACE_MS = 10_000;

/**
 * The life of a process: until SIGTERM or SIGINT (a second one ends it at once), or until something in it fails for good. Sets the
 * exit code; nothing keeps the process up afterwards.
 */
export async function runUntilStopped(
  running: Running,
  alsoStop: () => Promise<void> = async () => undefined,
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
  });
  if (reason.error !== undefined) explain(reason.error);
  const timer = setTimeout(() => {
    process.stderr.write(
      `fieldgate: not stopped within ${GRACE_MS / 1000} s; ending now. What was not acknowledged will be sent again.\n`,
    );
    process.exit(1);
  }, GRACE_MS);
  await alsoStop();
  await running.stop();
  clearTimeout(timer);
  running.logger.info('stopped');
  process.exit(reason.error === undefined ? 0 : 1);
}

function endNow(): void {
  process.stderr.write('fieldgate: second signal, ending at once\n');
  process.exit(1);
}

/** One line for a person: what is wrong, and what to do. */
export function explain(error: unknown): void {
  if (error instanceof FieldgateError) {
    process.stderr.write(`fieldgate: ${error.message} [${error.code}] ${ERRORS[error.code].todo}\n`);
  } else {
    process.stderr.write(
      `fieldgate: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}
