import type { Command } from 'commander';
import { z } from 'zod';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { paramsOf, timeoutOf, waitOf } from './option-values.js';

const commandSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  result: z.object({ status: z.number(), body: z.unknown().optional() }).optional(),
  timeline: z.array(z.looseObject({ state: z.string(), at: z.string(), detail: z.string().optional() })),
});

interface CommandFlags {
  readonly params?: unknown;
  readonly wait: number;
  readonly timeout?: number;
}

/** `fieldgate command <device> <name>`: exit code 0 only when the device says that it was done. */
export function addCommandCommand(program: Command): void {
  operatorCommand(program, 'command <device> <name>', 'command a device, and wait for its answer')
    .option('--params <json>', 'what the device gets with it', paramsOf)
    .option('--wait <seconds>', 'how long to wait for the answer: 0 to 60', waitOf, 10)
    .option('--timeout <seconds>', 'how long the device may take: from 0.1; default: 30', timeoutOf)
    .action(function (this: Command, device: string, name: string, flags: CommandFlags) {
      return asOperator(this, (operator) => send(operator, { device, name }, flags));
    });
}

async function send(
  { api, show }: Operator,
  { device, name }: { readonly device: string; readonly name: string },
  { params, wait, timeout }: CommandFlags,
): Promise<void> {
  const command = await api.post(
    `/v1/devices/${encodeURIComponent(device)}/commands`,
    commandSchema,
    {
      name,
      ...(params === undefined ? {} : { params }),
      ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
    },
    { prefer: `wait=${wait}` },
  );
  show(command, () =>
    [
      `${command.id}  ${command.state}${command.result === undefined ? '' : `  ${command.result.status}`}`,
      ...(command.result?.body === undefined ? [] : [JSON.stringify(command.result.body, null, 2)]),
      ...command.timeline.map(
        ({ at, state, detail }) => `  ${at}  ${state}${detail === undefined ? '' : `  ${detail}`}`,
      ),
    ].join('\n'),
  );
  if (command.state !== 'succeeded') process.exitCode = EXIT.refused;
}
