import { parseRules } from '@fieldgate/alert-rules';
import { FieldgateError, isRejection } from '@fieldgate/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { ALERT_HEADS, alertRow, alertSchema } from './alerts.js';
import { textOf } from './devices.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { explain } from '../run-until-stopped.js';
import { tableOf } from './table.js';

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
  rules.command('check <file>').description('whether a rules file is good; asks nobody').action(check);
  operatorCommand(
    rules,
    'test <file>',
    'what these rules would have raised over what is in the log, and what differs from the rules in force; changes nothing',
  )
    .option('--from <time>', 'epoch ms or RFC 3339; default: 24 hours ago')
    .option('--to <time>', 'default: now')
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

async function check(file: string): Promise<void> {
  try {
    const parsed = parseRules(await textOf(file));
    if (isRejection(parsed)) throw new FieldgateError(parsed.code, parsed.detail);
    const { rules, notifications } = parsed;
    process.stdout.write(`${file} is good: ${rules.length} rules, ${notifications.length} notifications\n`);
  } catch (error) {
    explain(error);
    process.exitCode = EXIT.refused;
  }
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
