import { FieldgateError } from '@fieldgate/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { each, labelFilterOf, labelNameOf, labelOf } from './option-values.js';
import { textOf, UsageError } from './usage-error.js';

const deviceSchema = z.looseObject({
  id: z.string(),
  type: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  presence: z.object({ connected: z.boolean(), commandReady: z.boolean() }),
});
const pageSchema = z.object({ devices: z.array(deviceSchema), nextCursor: z.string().optional() });
const changedSchema = deviceSchema.omit({ presence: true });
const createdSchema = z.looseObject({
  id: z.string(),
  secret: z.string().optional(),
  error: z.object({ code: z.string(), detail: z.string() }).optional(),
});

const MOST_AT_ONCE = 1_000;

/** `fieldgate devices list|add|change|import|remove|rotate` */
export function addDevicesCommands(program: Command): void {
  const devices = program.command('devices').description('the registered devices');
  operatorCommand(devices, 'list', 'list devices, and who is connected')
    .option('--online', 'only those that are connected')
    .option('--offline', 'only those that are not')
    .option('--label <name[=value]>', 'only those with it; may be given several times', each(labelFilterOf))
    .action(function (this: Command, flags: ListFlags) {
      return asOperator(this, (operator) => list(operator, flags));
    });
  operatorCommand(devices, 'add <id>', 'register a device; its secret is shown once')
    .option('--type <type>', 'what rules and dashboards select by')
    .option('--label <name=value>', 'a label; may be given several times', each(labelOf))
    .action(function (this: Command, id: string, flags: AddFlags) {
      return asOperator(this, (operator) => add(operator, id, flags));
    });
  operatorCommand(devices, 'change <id>', 'change type and labels of a device; what is not named stays')
    .option('--type <type>', 'another type')
    .option('--no-type', 'no type any more')
    .option('--label <name=value>', 'a label to set; may be given several times', each(labelOf))
    .option('--remove-label <name>', 'a label to take away; may be given several times', each(labelNameOf))
    .action(function (this: Command, id: string, flags: ChangeFlags) {
      return asOperator(this, (operator) => change(operator, id, flags));
    });
  operatorCommand(
    devices,
    'import <file>',
    'register many: a JSON array of {id, type?, labels?, secret?}; - reads standard input',
  ).action(function (this: Command, file: string) {
    return asOperator(this, (operator) => importFile(operator, file));
  });
  operatorCommand(devices, 'remove <id>', 'delete a device and close its connection').action(function (
    this: Command,
    id: string,
  ) {
    return asOperator(this, async ({ api, show }) => {
      await api.delete(`/v1/devices/${encodeURIComponent(id)}`);
      show({ id, removed: true }, () => `${id} is removed`);
    });
  });
  operatorCommand(devices, 'rotate <id>', 'give a device a new secret and close its connection').action(
    function (this: Command, id: string) {
      return asOperator(this, async ({ api, show }) => {
        const answer = await api.post(`/v1/devices/${encodeURIComponent(id)}/secret`, createdSchema);
        show(answer, () => `${id}  ${answer.secret ?? ''}`);
      });
    },
  );
}

interface ListFlags {
  readonly online?: boolean;
  readonly offline?: boolean;
  readonly label?: readonly string[];
}

async function list({ api, table }: Operator, { online, offline, label }: ListFlags): Promise<void> {
  const devices: z.output<typeof deviceSchema>[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.get('/v1/devices', pageSchema, {
      limit: MOST_AT_ONCE,
      cursor,
      label,
      online: online === offline ? undefined : online === true,
    });
    devices.push(...page.devices);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  table(
    { devices },
    ['DEVICE', 'TYPE', 'CONNECTED', 'COMMANDS', 'LABELS'],
    devices.map(({ id, type, labels, presence }) => [
      id,
      type,
      presence.connected ? 'yes' : 'no',
      presence.commandReady ? 'yes' : 'no',
      labelsText(labels),
    ]),
    'no devices; register one with: fieldgate devices add pump-7',
  );
}

type Label = readonly [name: string, value: string];

interface AddFlags {
  readonly type?: string;
  readonly label?: readonly Label[];
}

async function add({ api, show }: Operator, id: string, { type, label = [] }: AddFlags): Promise<void> {
  const labels = Object.fromEntries(label);
  const created = await api.post('/v1/devices', createdSchema, {
    id,
    labels,
    ...(type === undefined ? {} : { type }),
  });
  show(created, () => `${created.id}  ${created.secret ?? ''}`);
}

interface ChangeFlags {
  /** false: it is taken away. */
  readonly type?: string | false;
  readonly label?: readonly Label[];
  readonly removeLabel?: readonly string[];
}

async function change(
  { api, show }: Operator,
  id: string,
  { type, label = [], removeLabel = [] }: ChangeFlags,
): Promise<void> {
  const labels: Record<string, string | null> = Object.fromEntries(label);
  for (const name of removeLabel) labels[name] = null;
  if (type === undefined && Object.keys(labels).length === 0)
    throw new UsageError('nothing to change: give --type, --no-type, --label or --remove-label');
  const changed = await api.patch(`/v1/devices/${encodeURIComponent(id)}`, changedSchema, {
    ...(type === undefined ? {} : { type: type === false ? null : type }),
    labels,
  });
  show(changed, () => `${id}  ${changed.type ?? '-'}  ${labelsText(changed.labels)}`.trimEnd());
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Thousand by thousand; one that exists already is told of and does not stop the others. */
async function importFile(operator: Operator, file: string): Promise<void> {
  const devices = devicesOf(await textOf(file), file);
  const results: z.output<typeof createdSchema>[] = [];
  try {
    for (let from = 0; from < devices.length; from += MOST_AT_ONCE)
      results.push(...(await importSome(operator.api, devices.slice(from, from + MOST_AT_ONCE))));
  } catch (error) {
    if (results.length > 0) showImported(operator, results); // their secrets are shown now or never
    throw error;
  }
  showImported(operator, results);
}

function showImported({ table, json }: Operator, results: readonly z.output<typeof createdSchema>[]): void {
  const failed = results.filter(({ error }) => error !== undefined).length;
  table(
    { devices: results },
    ['DEVICE', 'SECRET', 'PROBLEM'],
    results.map(({ id, secret, error }) => [id, secret, error?.detail]),
    'the file holds no devices',
  );
  if (!json) process.stderr.write(`${results.length - failed} registered, ${failed} not\n`);
  if (failed > 0) process.exitCode = EXIT.refused;
}

async function importSome(
  api: Operator['api'],
  some: readonly unknown[],
): Promise<readonly z.output<typeof createdSchema>[]> {
  try {
    return await api.post('/v1/devices', z.array(createdSchema), some);
  } catch (error) {
    if (!(error instanceof FieldgateError) || error.code !== 'device-exists') throw error;
    return some.map((device) => ({
      id: String((device as { id?: unknown }).id), // the API has taken each of them for a device
      error: { code: error.code, detail: 'registered already' },
    }));
  }
}

function devicesOf(text: string, file: string): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    const at = / at position \d+/.exec(String(cause))?.[0] ?? ''; // not the rest: it quotes the file, which holds secrets
    throw new UsageError(`${file} is not JSON${at}`, { cause });
  }
  if (!Array.isArray(parsed)) throw new UsageError(`${file} must be a JSON array of devices`);
  return parsed;
}
