import { FieldgateError } from '@fieldgate/contracts';
import { Command, Option } from 'commander';
import { explain } from '../run-until-stopped.js';
import { ApiClient } from './api-client.js';
import { httpUrlOf } from './option-values.js';
import { tableOf, type Cell } from './table.js';
import { UsageError } from './usage-error.js';

/** Exit codes of everything that asks the operator API; 0 is done. They stand in docs/command-line.md. */
export const EXIT = {
  /** The API says no, or a rules file is not good: the same again would be refused again. */
  refused: 1,
  /** commander's errors (see program.ts) and UsageError: nothing was sent. */
  usage: 2,
  /** Not reachable, not ready, or away for a while: try again. */
  tryAgain: 3,
} as const;

/** What a command has at hand beside its own arguments. */
export interface Operator {
  readonly api: ApiClient;
  /** One answer, for people as lines, for scripts (`--json`) as the one object that the API answers. */
  readonly show: (answer: object, lines: () => string) => void;
  /** Rows as a table, or the object they were made of. */
  readonly table: (
    answer: object,
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
    .addOption(
      new Option('--http <url>', 'where the operator API is')
        .argParser(httpUrlOf)
        .default('http://127.0.0.1:8080'),
    )
    .addOption(new Option('--admin-key <key>', 'the key of the API').env('FIELDGATE_ADMIN_KEY'))
    .option('--json', 'print the answer as JSON, for scripts');
}

/** Runs an action; what goes wrong is said in one line, and in the exit code. */
export async function asOperator(
  command: Command,
  action: (operator: Operator) => Promise<void>,
): Promise<void> {
  try {
    await action(operatorOf(command.opts<OperatorFlags>()));
  } catch (error) {
    if (error instanceof UsageError) command.error(`error: ${error.message}`); // ends the process
    explain(error);
    process.exitCode = exitCodeOf(error);
  }
}

export function exitCodeOf(error: unknown): number {
  return error instanceof FieldgateError && error.retriable ? EXIT.tryAgain : EXIT.refused;
}

function operatorOf({ http, adminKey, json = false }: OperatorFlags): Operator {
  if (adminKey === undefined || adminKey === '')
    throw new UsageError(
      'the key of the API is missing: give it with --admin-key, or in FIELDGATE_ADMIN_KEY',
    );
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const show = (answer: object, lines: () => string): void =>
    print(json ? JSON.stringify(answer, null, 2) : lines());
  return {
    api: new ApiClient(http, adminKey),
    json,
    show,
    table: (answer, heads, rows, nothing) =>
      show(answer, () => (rows.length === 0 ? nothing : tableOf(heads, rows))),
  };
}
