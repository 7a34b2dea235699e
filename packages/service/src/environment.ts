import { FieldgateError } from '@fieldgate/contracts';
import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment as one frozen object. Every wrong variable is named with what it must be; the value is not repeated, because it may
 * be a secret. An empty value counts as not set, as in an `.env` file.
 */
export function readEnvironment<S extends z.ZodType>(schema: S, environment: Environment): z.output<S> {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(set);
  if (parsed.success) {
    Object.freeze(parsed.data);
    return parsed.data;
  }
  const lines = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`);
  throw new FieldgateError('config-invalid', lines.join('; '));
}

/** Building blocks of environment schemas: text in, a value with its unit out. */
export const env = {
  text: (): z.ZodString => z.string().min(1),
  integer: (min: number, max: number): z.ZodType<number, string> =>
    z
      .string()
      .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
      .transform(Number)
      .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`),
  /** 0 = any free port. */
  port: (): z.ZodType<number, string> => env.integer(0, 65_535),
  boolean: (): z.ZodType<boolean, string> =>
    z
      .enum(['true', 'false', '1', '0'], 'must be true or false')
      .transform((value) => value === 'true' || value === '1'),
  /** `host:port,host:port` */
  hostList: (): z.ZodType<readonly string[], string> =>
    z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .refine(
        (hosts) => hosts.every((host) => /^[^\s:,]+:\d{1,5}$/.test(host)),
        'must be host:port, or several separated by commas',
      ),
};
