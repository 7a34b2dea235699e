import { FieldgateError, isDeviceId } from '@fieldgate/contracts';
import { z } from 'zod';

export const PROTOCOLS = ['5', '3.1.1', 'mixed'] as const;

const number = (least: number, most: number): z.ZodType<number, unknown> => {
  const says = `must be a number from ${least} to ${most}`;
  return z.coerce.number({ error: says }).refine((value) => value >= least && value <= most, says);
};
const whole = (least: number, most: number): z.ZodType<number, unknown> =>
  number(least, most).refine(Number.isInteger, 'must be a whole number');
const url = (...schemes: string[]): z.ZodType<string, unknown> =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)),
      `must be a URL with ${schemes.join(', ')}`,
    );

const optionsSchema = z.object({
  devices: whole(1, 100_000).default(100),
  /** Messages per second and device. */
  rate: number(0.001, 1_000).default(1),
  /** Seconds; 0 = until it is stopped. */
  duration: number(0, 2_000_000).default(0),
  mqtt: url('mqtt', 'mqtts', 'ws', 'wss').default('mqtt://127.0.0.1:1883'),
  http: url('http', 'https').default('http://127.0.0.1:8080'),
  adminKey: z.string({ error: 'is missing: give it, or set FIELDGATE_ADMIN_KEY' }).min(1),
  protocol: z.enum(PROTOCOLS).default('mixed'),
  seed: whole(0, 0xffff_ffff).default(1),
  prefix: z
    .string()
    .refine((text) => isDeviceId(`${text}00000`), 'must be the beginning of a device id')
    .default('sim-'),
  /** Unacknowledged messages per device at most. */
  window: whole(1, 10_000).default(20),
  connectsPerSecond: number(1, 10_000).default(100),
  /** Seconds that the store may show nothing new before what is missing counts as lost. */
  settle: number(0, 3_600).default(30),
});
export type SimulationOptions = Readonly<z.output<typeof optionsSchema>>;
export type SimulationFlags = z.input<typeof optionsSchema>;

/** Flags of the command line (texts) or of a caller (values), with what the environment adds; every wrong one is named. */
export function simulationOptionsFrom(
  flags: { readonly [flag in keyof SimulationFlags]?: unknown },
  environment: Readonly<Record<string, string | undefined>> = {},
): SimulationOptions {
  const adminKey = flags.adminKey ?? environment['FIELDGATE_ADMIN_KEY'];
  const parsed = optionsSchema.safeParse({ ...flags, adminKey });
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `--${kebab(issue.path.join('.'))} ${issue.message}`);
  throw new FieldgateError('config-invalid', lines.join('; '));
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
