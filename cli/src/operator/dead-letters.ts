import type { Command } from 'commander';
import { z } from 'zod';
import { fieldsOf } from './alerts.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';

const letterSchema = z.looseObject({
  id: z.string(),
  deviceId: z.string(),
  time: z.string(),
  code: z.string(),
  detail: z.string(),
  origin: z.looseObject({ kind: z.string(), topic: z.string() }),
});
const lettersSchema = z.object({ deadLetters: z.array(letterSchema), next: z.string().optional() });
const outcomeSchema = z.looseObject({
  id: z.string(),
  outcome: z.string(),
  code: z.string().optional(),
  detail: z.string().optional(),
});
const outcomesSchema = z.looseObject({ deadLetters: z.array(outcomeSchema) });

interface LetterFlags {
  readonly device?: string;
  readonly code?: string;
  readonly origin?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
}

function withFilters(command: Command): Command {
  return command
    .option('--device <id>')
    .option('--code <code>', 'why it was refused, see docs/errors.md')
    .option('--origin <kind>', 'mqtt or log')
    .option('--from <time>', 'epoch ms or RFC 3339')
    .option('--to <time>')
    .option('--limit <count>');
}

/** `fieldgate dead-letters list|show|redrive` */
export function addDeadLettersCommands(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('what was refused for good, with reason and bytes');
  withFilters(operatorCommand(letters, 'list', 'the newest first')).action(function (
    this: Command,
    flags: LetterFlags,
  ) {
    return asOperator(this, (operator) => list(operator, flags));
  });
  operatorCommand(letters, 'show <id>', 'one, with its bytes').action(function (this: Command, id: string) {
    return asOperator(this, async ({ api, show }) => {
      const letter = await api.get(`/v1/dead-letters/${encodeURIComponent(id)}`, letterSchema);
      show(letter, () => fieldsOf(letter));
    });
  });
  withFilters(
    operatorCommand(
      letters,
      'redrive [id]',
      'judge one again, or all that the filters find; the accepted ones go where they belong',
    ),
  )
    .option('--dry-run', 'only say what would happen')
    .action(function (this: Command, id: string | undefined, flags: RedriveFlags) {
      return asOperator(this, (operator) => redrive(operator, id, flags));
    });
}

async function list({ api, table }: Operator, flags: LetterFlags): Promise<void> {
  const { device, code, origin, from, to, limit } = flags;
  const answer = await api.get('/v1/dead-letters', lettersSchema, { device, code, origin, from, to, limit });
  table(
    answer,
    ['ID', 'TIME', 'DEVICE', 'CODE', 'TOPIC', 'DETAIL'],
    answer.deadLetters.map((letter) => [
      letter.id,
      letter.time,
      letter.deviceId,
      letter.code,
      letter.origin.topic,
      letter.detail,
    ]),
    'no dead letters',
  );
}

interface RedriveFlags extends LetterFlags {
  readonly dryRun?: boolean;
}

async function redrive({ api, table }: Operator, id: string | undefined, flags: RedriveFlags): Promise<void> {
  const { device, code, origin, from, to, limit, dryRun = false } = flags;
  const outcomes =
    id === undefined
      ? (
          await api.post('/v1/dead-letters/redrive', outcomesSchema, {
            device,
            code,
            origin,
            from,
            to,
            dryRun,
            ...(limit === undefined ? {} : { limit: Number(limit) }),
          })
        ).deadLetters
      : [await api.post(`/v1/dead-letters/${encodeURIComponent(id)}/redrive`, outcomeSchema, { dryRun })];
  table(
    outcomes,
    ['ID', 'OUTCOME', 'DETAIL'],
    outcomes.map((each) => [each.id, each.outcome, each.detail ?? each.code]),
    'no dead letters match',
  );
  if (outcomes.some(({ outcome }) => outcome === 'refused' || outcome === 'not-redrivable'))
    process.exitCode = EXIT.refused;
}
