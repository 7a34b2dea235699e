import { FieldgateError } from '@fieldgate/contracts';
import { InvalidArgumentError, type Command } from 'commander';
import { z } from 'zod';
import { fieldsOf } from './alerts.js';
import type { ApiClient } from './api-client.js';
import { readDeadLetters, type LetterFilters } from './dead-letter-pages.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';

const letterSchema = z.looseObject({ id: z.string() });
const outcomeSchema = z.looseObject({
  id: z.string(),
  outcome: z.string(),
  code: z.string().optional(),
  detail: z.string().optional(),
});
type Outcome = z.output<typeof outcomeSchema>;

const LISTED = 100;

interface ListFlags extends LetterFilters {
  readonly limit?: number;
  readonly before?: string;
}

interface RedriveFlags extends LetterFilters {
  readonly limit?: number;
  readonly dryRun?: boolean;
}

/** `fieldgate dead-letters list|show|redrive` */
export function addDeadLettersCommands(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('what was refused for good, with reason and bytes');
  withFilters(operatorCommand(letters, 'list', 'the newest first'))
    .option('--limit <count>', `at most so many; default: ${LISTED}`, countOf)
    .option('--before <next>', 'go on behind an earlier list, with what it said in its last line')
    .action(function (this: Command, flags: ListFlags) {
      return asOperator(this, (operator) => list(operator, flags));
    });
  operatorCommand(letters, 'show <id>', 'one, with its bytes').action(function (this: Command, id: string) {
    return asOperator(this, async ({ api, show }) => {
      const letter = await api.get(pathOf(id), letterSchema);
      show(letter, () => fieldsOf(letter));
    });
  });
  withFilters(
    operatorCommand(
      letters,
      'redrive [id]',
      'judge one again, or all that the filters find, the oldest first; the accepted ones go where they belong',
    ),
  )
    .option('--limit <count>', 'only the newest so many; default: all', countOf)
    .option('--dry-run', 'only say what would happen')
    .action(function (this: Command, id: string | undefined, flags: RedriveFlags) {
      return asOperator(this, (operator) => redrive(operator, id, flags));
    });
}

function withFilters(command: Command): Command {
  return command
    .option('--device <id>')
    .option('--code <code>', 'why it was refused, see docs/errors.md')
    .option('--origin <kind>', 'mqtt or log')
    .option('--from <time>', 'epoch ms or RFC 3339')
    .option('--to <time>');
}

async function list({ api, table, json }: Operator, flags: ListFlags): Promise<void> {
  const { limit = LISTED, before } = flags;
  const { deadLetters, next } = await readDeadLetters(api, filtersOf(flags), { limit, before });
  table(
    { deadLetters, next },
    ['ID', 'TIME', 'DEVICE', 'CODE', 'TOPIC', 'DETAIL'],
    deadLetters.map(({ id, time, deviceId, code, origin, detail }) => [
      id,
      time,
      deviceId,
      code,
      origin.topic,
      detail,
    ]),
    'no dead letters',
  );
  if (next !== undefined && !json) process.stderr.write(`there may be older ones: --before ${next}\n`);
}

async function redrive(operator: Operator, id: string | undefined, flags: RedriveFlags): Promise<void> {
  const { dryRun = false } = flags;
  const outcomes: Outcome[] = [];
  try {
    if (id === undefined) await redriveAll(operator.api, flags, (outcome) => outcomes.push(outcome));
    else outcomes.push(await redriveOne(operator.api, id, dryRun));
  } catch (error) {
    if (outcomes.length > 0) showOutcomes(operator, outcomes); // these are done
    throw error;
  }
  showOutcomes(operator, outcomes);
  if (outcomes.some(({ outcome }) => outcome === 'refused' || outcome === 'not-redrivable'))
    process.exitCode = EXIT.refused;
}

/** One by one, so that also across pages what came first is first again. What is refused again is a new letter, and not driven a second time. */
async function redriveAll(
  api: ApiClient,
  flags: RedriveFlags,
  done: (outcome: Outcome) => void,
): Promise<void> {
  const { limit = Infinity, dryRun = false } = flags;
  const { deadLetters } = await readDeadLetters(api, filtersOf(flags), { limit });
  for (const { id } of deadLetters.toReversed()) {
    try {
      done(await redriveOne(api, id, dryRun));
    } catch (error) {
      if (!(error instanceof FieldgateError && error.code === 'not-found')) throw error; // it has just expired
    }
  }
}

function redriveOne(api: ApiClient, id: string, dryRun: boolean): Promise<Outcome> {
  return api.post(`${pathOf(id)}/redrive`, outcomeSchema, { dryRun });
}

function showOutcomes({ table }: Operator, outcomes: readonly Outcome[]): void {
  table(
    outcomes,
    ['ID', 'OUTCOME', 'DETAIL'],
    outcomes.map((each) => [each.id, each.outcome, each.detail ?? each.code]),
    'no dead letters match',
  );
}

function filtersOf({ device, code, origin, from, to }: LetterFilters): LetterFilters {
  return { device, code, origin, from, to };
}

function pathOf(id: string): string {
  return `/v1/dead-letters/${encodeURIComponent(id)}`;
}

function countOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
