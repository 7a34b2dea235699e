import { FieldgateError } from '@fieldgate/contracts';
import { monotonicClock } from '@fieldgate/service';
import type { Running } from './start.js';
import { whatToDo } from './what-to-do.js';

/** How long a graceful stop may take before the process ends anyway, ms; the parts keep to less: `Gateway` and `CommitLogModule`. */
const GRACE_MS = 10_000;
/** Ctrl-C reaches a process below npm twice: from the terminal, and passed on by npm. What comes within this time is the same signal, ms. */
const SAME_SIGNAL_MS = 300;

/** What runs beside the roles, and ends with them. */
export interface Companion {
  /** Resolves with the reason when it has failed: then the roles stop too. */
  readonly failed: Promise<unknown>;
  stop(): Promise<void>;
}

/** Of the process; tests have others. */
export interface Surroundings {
  readonly exit: (code: number) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

const PROCESS: Surroundings = {
  exit: (code) => process.exit(code),
  now: () => monotonicClock.now(),
};

/**
 * The life of a process: until SIGTERM or SIGINT (a second one ends it at once), or until something in it fails for good. Sets the
 * exit code; nothing keeps the process up afterwards.
 */
export async function runUntilStopped(
  running: Pick<Running, 'logger' | 'onFailure' | 'stop'>,
  companion?: Companion,
  { exit, now }: Surroundings = PROCESS,
): Promise<void> {
  const reason = await new Promise<{ readonly error?: unknown }>((resolve) => {
    let stoppingSince: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stoppingSince !== undefined) return endAtOnce(now() - stoppingSince, exit);
      stoppingSince = now();
      running.logger.info({ signal }, 'stopping');
      resolve({});
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
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

function endAtOnce(afterMs: number, exit: Surroundings['exit']): void {
  if (afterMs < SAME_SIGNAL_MS) return;
  process.stderr.write('fieldgate: second signal, ending at once\n');
  exit(1);
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
