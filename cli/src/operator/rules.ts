import { parseRules, type Rules } from '@fieldgate/alert-rules';
import { FieldgateError, isRejection } from '@fieldgate/contracts';
import type { Command } from 'commander';
import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ALERT_HEADS, alertRow, alertSchema } from './alerts.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { timeOf } from './option-values.js';
import { explain } from '../run-until-stopped.js';
import { counted, tableOf } from './table.js';
import { reasonOf, textOf, UsageError } from './usage-error.js';

const inForceSchema = z.looseObject({
  rules: z.string().nullable(),
  loadedAt: z.string().optional(),
  problem: z.string().optional(),
});
const testSchema = z.looseObject({
  readings: z.number(),
  events: z.number(),
  raised: z.array(alertSchema),
  onlyHere: z.array(alertSchema),
  onlyInForce: z.array(alertSchema),
  truncated: z.boolean().optional(),
});
type TestAnswer = z.output<typeof testSchema>;

/** `fieldgate rules show|check|test` */
export function addRulesCommands(program: Command): void {
  const rules = program.command('rules').description('the alert rules');
  operatorCommand(rules, 'show', 'the rules in force').action(function (this: Command) {
    return asOperator(this, async ({ api, show }) => {
      const inForce = await api.get('/v1/alert-rules', inForceSchema);
      show(inForce, () => inForceText(inForce));
    });
  });
  rules
    .command('check <file>')
    .description('whether a rules file is good; asks nobody')
    .action(function (this: Command, file: string) {
      return check(this, file);
    });
  operatorCommand(
    rules,
    'test <file>',
    'what these rules would have raised over what is in the log, and what differs from the rules in force; changes nothing',
  )
    .option('--from <time>', 'epoch ms or RFC 3339; default: 24 hours ago', timeOf)
    .option('--to <time>', 'before then; default: now', timeOf)
    .action(function (this: Command, file: string, flags: TestFlags) {
      return asOperator(this, (operator) => test(operator, file, flags));
    });
}

interface TestFlags {
  readonly from?: string;
  readonly to?: string;
}

function inForceText({ rules, loadedAt, problem }: z.output<typeof inForceSchema>): string {
  const why = problem?.replaceAll('\n', '\n#   '); // one line per mistake; what is printed stays YAML
  if (rules !== null) {
    const newer = why === undefined ? [] : [`# a newer file is not: ${why}`];
    return [`# in force since ${loadedAt ?? '-'}`].concat(newer, rules).join('\n');
  }
  return why === undefined
    ? '# no rules: FIELDGATE_RULES_FILE is not set'
    : `# no rules: the file was never usable: ${why}`;
}

async function check(command: Command, file: string): Promise<void> {
  try {
    const parsed = parseRules(await textOf(file));
    if (isRejection(parsed)) throw new FieldgateError(parsed.code, parsed.detail);
    const { rules, notifications } = parsed;
    process.stdout.write(
      `${file} is good: ${counted(rules.length, 'rule')}, ${counted(notifications.length, 'notification')}\n`,
    );
    for (const missing of await missingSecrets(parsed, file))
      process.stderr.write(`fieldgate: but ${missing}\n`);
  } catch (error) {
    if (error instanceof UsageError) command.error(`error: ${error.message}`); // ends the process
    explain(error);
    process.exitCode = EXIT.refused;
  }
}

/** The rules would be in force without it, and the webhook not be called; and here may be another machine than there. */
async function missingSecrets({ notifications }: Rules, file: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const sink of notifications) {
    const secretFile = sink.kind === 'webhook' ? sink.webhook.secretFile : undefined;
    if (secretFile === undefined) continue;
    try {
      await access(resolve(dirname(file), secretFile), constants.R_OK);
    } catch (error) {
      missing.push(
        `${sink.name} cannot be notified: secretFile ${secretFile} cannot be read: ${reasonOf(error)}`,
      );
    }
  }
  return missing;
}

async function test({ api, show }: Operator, file: string, { from, to }: TestFlags): Promise<void> {
  const answer = await api.post('/v1/alert-rules/test', testSchema, {
    rules: await textOf(file),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  show(answer, () => testText(answer));
}

function testText({ readings, events, raised, onlyHere, onlyInForce, truncated }: TestAnswer): string {
  return [
    `${readings} messages and ${events} events read${truncated === true ? ' (not all: the range is too long, take a shorter one)' : ''}`,
    section('These rules would have raised', raised),
    section('Only these rules, not those in force', onlyHere),
    section('Only the rules in force', onlyInForce),
  ].join('\n\n');
}

function section(title: string, alerts: TestAnswer['raised']): string {
  const head = `${title}: ${alerts.length}`;
  return alerts.length === 0 ? head : `${head}\n${tableOf(ALERT_HEADS, alerts.map(alertRow))}`;
}
