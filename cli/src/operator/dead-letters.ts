import { FieldgateError } from '@fieldgate/contracts';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { fieldsOf } from './alerts.js';
import type { ApiClient } from './api-client.js';
import { readDeadLetters, type LetterFilters } from './dead-letter-pages.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { countUpTo, timeOf } from './option-values.js';
import { UsageError } from './usage-error.js';

const letterSchema = z.looseObject({ id: z.string() });
const outcomeSchema = z.looseObject({
  id: z.string(),
  outcome: z.string(),
  records: z.number().optional(),
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
    .option('--limit <count>', `at most so many; default: ${LISTED}`, countUpTo(Infinity))
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
      'judge one again, or all that the filters find (without any: all), the oldest first; the accepted ones go where they belong',
    ),
  )
    .option('--limit <count>', 'only the newest so many; default: all', countUpTo(Infinity))
    .option('--dry-run', 'only say what would happen')
    .action(function (this: Command, id: string | undefined, flags: RedriveFlags) {
      return asOperator(this, (operator) => redrive(operator, id, flags));
    });
}

function withFilters(command: Command): Command {
  return command
    .option('--device <id>', 'only those of this device')
    .option('--code <code>', 'only those refused for this reason, see docs/errors.md')
    .addOption(new Option('--origin <kind>', 'only those that came from').choices(['mqtt', 'log', 'spool']))
    .option('--from <time>', 'refused then or later: epoch ms or RFC 3339', timeOf)
    .option('--to <time>', 'refused before then', timeOf);
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
  const outcomes =
    id === undefined ? await redriveAll(operator, flags) : await redriveNamed(operator, id, flags);
  if (outcomes.some(({ outcome }) => outcome === 'refused' || outcome === 'not-redrivable'))
    process.exitCode = EXIT.refused;
}

async function redriveNamed(
  operator: Operator,
  id: string,
  flags: RedriveFlags,
): Promise<readonly Outcome[]> {
  const { limit, dryRun = false } = flags;
  if (Object.values({ ...filtersOf(flags), limit }).some((value) => value !== undefined))
    throw new UsageError('an id is one dead letter, filters and --limit find several: give one or the other');
  const outcome = await redriveOne(operator.api, id, dryRun);
  showOutcomes(operator, outcome, [outcome]);
  return [outcome];
}

/** What is done is shown, also when a later one fails. */
async function redriveAll(operator: Operator, flags: RedriveFlags): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  try {
    await redriveFound(operator.api, flags, (outcome) => outcomes.push(outcome));
  } catch (error) {
    if (outcomes.length > 0) showOutcomes(operator, { deadLetters: outcomes }, outcomes);
    throw error;
  }
  showOutcomes(operator, { deadLetters: outcomes }, outcomes);
  return outcomes;
}

/** One by one, so that also across pages what came first is first again. What is refused again is a new letter, and not driven a second time. */
async function redriveFound(
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

function showOutcomes({ table }: Operator, answer: object, outcomes: readonly Outcome[]): void {
  table(
    answer,
    ['ID', 'OUTCOME', 'DETAIL'],
    outcomes.map(({ id, outcome, records, code, detail }) => [
      id,
      outcome,
      detail ?? code ?? (records === undefined ? undefined : `${records} records`),
    ]),
    'no dead letters match',
  );
}

function filtersOf({ device, code, origin, from, to }: LetterFilters): LetterFilters {
  return { device, code, origin, from, to };
}

function pathOf(id: string): string {
  return `/v1/dead-letters/${encodeURIComponent(id)}`;
}
