import { readFile } from 'node:fs/promises';
import { FieldgateError } from '@fieldgate/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { asOperator, operatorCommand, type Operator } from './operator-command.js';

const deviceSchema = z.looseObject({
  id: z.string(),
  type: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  presence: z.object({ connected: z.boolean(), commandReady: z.boolean() }),
});
const pageSchema = z.object({ devices: z.array(deviceSchema), nextCursor: z.string().optional() });
const createdSchema = z.looseObject({
  id: z.string(),
  secret: z.string().optional(),
  error: z.object({ code: z.string(), detail: z.string() }).optional(),
});

const MOST_AT_ONCE = 1_000;

/** `fieldgate devices list|add|import|remove|rotate` */
export function addDevicesCommands(program: Command): void {
  const devices = program.command('devices').description('the registered devices');
  operatorCommand(devices, 'list', 'list devices, and who is connected')
    .option('--online', 'only those that are connected')
    .option('--offline', 'only those that are not')
    .option('--label <name[:value]...>', 'only those with these labels')
    .action(function (this: Command, flags: ListFlags) {
      return asOperator(this, (operator) => list(operator, flags));
    });
  operatorCommand(devices, 'add <id>', 'register a device; its secret is shown once')
    .option('--type <type>', 'what rules and dashboards select by')
    .option('--label <name=value...>', 'labels')
    .action(function (this: Command, id: string, flags: AddFlags) {
      return asOperator(this, (operator) => add(operator, id, flags));
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
    devices,
    ['DEVICE', 'TYPE', 'CONNECTED', 'COMMANDS', 'LABELS'],
    devices.map(({ id, type, labels, presence }) => [
      id,
      type,
      presence.connected ? 'yes' : 'no',
      presence.commandReady ? 'yes' : 'no',
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ]),
    'no devices; register one with: fieldgate devices add pump-7',
  );
}

interface AddFlags {
  readonly type?: string;
  readonly label?: readonly string[];
}

async function add({ api, show }: Operator, id: string, { type, label = [] }: AddFlags): Promise<void> {
  const labels = Object.fromEntries(label.map(labelOf));
  const created = await api.post('/v1/devices', createdSchema, {
    id,
    labels,
    ...(type === undefined ? {} : { type }),
  });
  show(created, () => `${created.id}  ${created.secret ?? ''}`);
}

function labelOf(text: string): [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new FieldgateError('invalid-request', `--label ${text}: must be name=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Thousand by thousand; one that exists already is told of and does not stop the others. */
async function importFile({ api, table, json }: Operator, file: string): Promise<void> {
  const devices = devicesOf(await textOf(file), file);
  const results: z.output<typeof createdSchema>[] = [];
  for (let from = 0; from < devices.length; from += MOST_AT_ONCE) {
    results.push(...(await importSome(api, devices.slice(from, from + MOST_AT_ONCE))));
  }
  const failed = results.filter(({ error }) => error !== undefined).length;
  table(
    results,
    ['DEVICE', 'SECRET', 'PROBLEM'],
    results.map(({ id, secret, error }) => [id, secret, error?.detail]),
    'the file holds no devices',
  );
  if (!json) process.stderr.write(`${results.length - failed} registered, ${failed} not\n`);
  if (failed > 0) process.exitCode = 1;
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
    throw new FieldgateError('invalid-request', `${file} is not JSON`, { cause });
  }
  if (!Array.isArray(parsed))
    throw new FieldgateError('invalid-request', `${file} must be a JSON array of devices`);
  return parsed;
}

/** A file, or standard input for `-`. */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (cause) {
    throw new FieldgateError('invalid-request', `${file} cannot be read`, { cause });
  }
}
