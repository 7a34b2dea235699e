import { FieldgateError } from '@fieldgate/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';

const commandSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  result: z.object({ status: z.number(), body: z.unknown().optional() }).optional(),
  timeline: z.array(z.looseObject({ state: z.string(), at: z.string(), detail: z.string().optional() })),
});

interface CommandFlags {
  readonly params?: string;
  readonly wait: string;
  readonly timeout?: string;
}

/** `fieldgate command <device> <name>`: exit code 0 only when the device says that it was done. */
export function addCommandCommand(program: Command): void {
  operatorCommand(program, 'command <device> <name>', 'command a device, and wait for its answer')
    .option('--params <json>', 'what the device gets with it')
    .option('--wait <seconds>', 'how long to wait for the answer', '10')
    .option('--timeout <seconds>', 'how long the device may take')
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
      ...(params === undefined ? {} : { params: jsonOf(params) }),
      ...(timeout === undefined ? {} : { timeoutSeconds: Number(timeout) }),
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

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FieldgateError('invalid-request', '--params is not JSON', { cause });
  }
}
