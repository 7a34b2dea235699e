import { SEVERITIES } from '@fieldgate/contracts';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { asOperator, operatorCommand, type Operator } from './operator-command.js';
import { countUpTo, timeOf } from './option-values.js';
import { printable } from './table.js';

export const alertSchema = z.looseObject({
  id: z.string(),
  deviceId: z.string(),
  rule: z.string(),
  severity: z.string(),
  state: z.string().optional(),
  text: z.string(),
  raisedAt: z.string(),
  clearedAt: z.string().optional(),
  acknowledged: z.object({ at: z.string(), by: z.string(), note: z.string().optional() }).optional(),
});
const alertsSchema = z.object({ alerts: z.array(alertSchema) });

/** In the words of the API; a test compares. */
export const ALERT_STATES = ['open', 'acknowledged', 'cleared'];

interface AlertFlags {
  readonly state?: string;
  readonly device?: string;
  readonly rule?: string;
  readonly severity?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
}

/** `fieldgate alerts list|show|acknowledge` */
export function addAlertsCommands(program: Command): void {
  const alerts = program.command('alerts').description('what needs somebody to look at it');
  operatorCommand(alerts, 'list', 'alerts, the newest first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(ALERT_STATES))
    .option('--device <id>', 'only those of this device')
    .option('--rule <name>', 'only those of this rule; event.<type> for the condition of a device')
    .addOption(new Option('--severity <severity>', 'only those of this severity').choices(SEVERITIES))
    .option('--from <time>', 'raised then or later: epoch ms or RFC 3339', timeOf)
    .option('--to <time>', 'raised before then', timeOf)
    .option('--limit <count>', 'at most so many, up to 1000; default: 100', countUpTo(1_000))
    .action(function (this: Command, flags: AlertFlags) {
      return asOperator(this, (operator) => list(operator, flags));
    });
  operatorCommand(alerts, 'show <id>', 'one alert').action(function (this: Command, id: string) {
    return asOperator(this, async ({ api, show }) => {
      const alert = await api.get(`/v1/alerts/${encodeURIComponent(id)}`, alertSchema);
      show(alert, () => fieldsOf(alert));
    });
  });
  operatorCommand(alerts, 'acknowledge <id>', 'say that somebody takes care of it')
    .option('--note <text>', 'what the others should know')
    .action(function (this: Command, id: string, { note }: { readonly note?: string }) {
      return asOperator(this, async ({ api, show }) => {
        const body = note === undefined ? {} : { note };
        const alert = await api.post(`/v1/alerts/${encodeURIComponent(id)}/acknowledge`, alertSchema, body);
        show(alert, () => acknowledgedText(alert, note));
      });
    });
}

/** The first acknowledgement stays, with its note. */
function acknowledgedText({ id, acknowledged }: z.output<typeof alertSchema>, note?: string): string {
  if (acknowledged === undefined || acknowledged.note === note) return `${id} is acknowledged`;
  const { at, note: first } = acknowledged;
  const kept = first === undefined ? 'without a note' : `with the note "${printable(first)}"`;
  return `${id} was acknowledged already, at ${at} ${kept}${note === undefined ? '' : '; the new note is not kept'}`;
}

async function list({ api, table }: Operator, flags: AlertFlags): Promise<void> {
  const { state, device, rule, severity, from, to, limit } = flags;
  const answer = await api.get('/v1/alerts', alertsSchema, {
    state,
    device,
    rule,
    severity,
    from,
    to,
    limit,
  });
  table(answer, ALERT_HEADS, answer.alerts.map(alertRow), 'no alerts');
}

export const ALERT_HEADS = ['RAISED', 'SEVERITY', 'STATE', 'DEVICE', 'RULE', 'TEXT', 'ID'];

export function alertRow(alert: z.output<typeof alertSchema>): (string | undefined)[] {
  const { raisedAt, severity, state, deviceId, rule, text, id } = alert;
  return [raisedAt, severity, state, deviceId, rule, text, id];
}

/** A line per member; what is not text as JSON. */
export function fieldsOf(answer: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(answer).map((name) => name.length));
  return Object.entries(answer)
    .map(
      ([name, value]) =>
        `${name.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join('\n');
}
