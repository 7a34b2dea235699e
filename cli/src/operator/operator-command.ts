import { ERRORS, FieldgateError } from '@fieldgate/contracts';
import { Command, Option } from 'commander';
import { explain } from '../run-until-stopped.js';
import { ApiClient } from './api-client.js';
import { tableOf, type Cell } from './table.js';

/** Exit codes of everything that asks the operator API; 0 is done. They stand in docs/operations.md. */
export const EXIT = {
  /** The API, or the file that was given, says no: the same again would be refused again. */
  refused: 1,
  /** commander's errors, see fieldgate.ts. */
  usage: 2,
  /** Not reachable, not ready, or away for a while: try again. */
  tryAgain: 3,
} as const;

/** What a command has at hand beside its own arguments. */
export interface Operator {
  readonly api: ApiClient;
  /** One answer, for people as lines, for scripts (`--json`) as it came. */
  readonly show: (answer: unknown, lines: () => string) => void;
  /** Rows as a table, or as the JSON they were made of. */
  readonly table: (
    answer: unknown,
    heads: readonly string[],
    rows: readonly (readonly Cell[])[],
    nothing: string,
  ) => void;
  readonly json: boolean;
}

interface OperatorFlags {
  readonly http: string;
  readonly adminKey?: string;
  readonly json?: boolean;
}

/** A command that asks a running Fieldgate over HTTP: adds where it is, the key, and `--json`. */
export function operatorCommand(parent: Command, nameAndArguments: string, description: string): Command {
  return parent
    .command(nameAndArguments)
    .description(description)
    .addOption(new Option('--http <url>', 'where the operator API is').default('http://127.0.0.1:8080'))
    .addOption(new Option('--admin-key <key>', 'API key').env('FIELDGATE_ADMIN_KEY'))
    .option('--json', 'print JSON, for scripts');
}

/** Runs an action; what goes wrong is said in one line, and in the exit code. */
export async function asOperator(
  command: Command,
  action: (operator: Operator) => Promise<void>,
): Promise<void> {
  try {
    await action(operatorOf(command.opts<OperatorFlags>()));
  } catch (error) {
    explain(error);
    process.exitCode =
      error instanceof FieldgateError && ERRORS[error.code].retriable ? EXIT.tryAgain : EXIT.refused;
  }
}

function operatorOf({ http, adminKey, json = false }: OperatorFlags): Operator {
  if (adminKey === undefined || adminKey === '')
    throw new FieldgateError(
      'config-invalid',
      'the API key is missing: give it with --admin-key, or in FIELDGATE_ADMIN_KEY',
    );
  if (!URL.canParse(http))
    throw new FieldgateError('config-invalid', '--http: must be a URL, such as http://127.0.0.1:8080');
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const show = (answer: unknown, lines: () => string): void =>
    print(json ? JSON.stringify(answer, null, 2) : lines());
  return {
    api: new ApiClient(http, adminKey),
    json,
    show,
    table: (answer, heads, rows, nothing) =>
      show(answer, () => (rows.length === 0 ? nothing : tableOf(heads, rows))),
  };
}
