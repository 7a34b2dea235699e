import { z } from 'zod';
import { MAX_ARRAY_LENGTH } from './parse-telemetry.js';
import { MAX_TEXT_BYTES } from './reading.js';

/*
 * The payload of `devices/{id}/telemetry` as a schema, for documents. What takes payloads is `parseTelemetry`, by hand because it is the
 * hottest place of the product; a test holds both against the same examples. Two things a schema of this kind can not say are left to the
 * parser: at most 256 metrics once nested objects are flattened, and at most 8 levels.
 */
const leaf = z.union([z.number(), z.boolean(), z.string().max(MAX_TEXT_BYTES)]);
const LEVEL = /^(?!.*__proto__)[A-Za-z0-9_.:-]{0,64}$/;
/** No recursion in the schema itself: in a document it would become a reference that only resolves at its root. */
const nested = z
  .record(z.string().regex(LEVEL), z.unknown())
  .refine(isNested)
  .describe('Nested objects are flattened with dots');
const reading = z.union([leaf, nested]);
const metricName = z.string().regex(/^(?!.*__proto__)[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/);
const readings = z.record(metricName, reading).refine(holdsReading);

const identity = {
  ts: z
    .union([z.number(), z.iso.datetime({ offset: true })])
    .optional()
    .describe(
      'When it was measured: epoch milliseconds or RFC 3339. Believed from 30 days back to 5 minutes ahead of arrival',
    ),
  seq: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('A number that grows with every message'),
  id: z
    .string()
    .regex(/^[\x21-\x7d][\x21-\x7e]{0,127}$/)
    .optional()
    .describe('Unique for the device; the same id again is a duplicate'),
};

const enveloped = z.object({ ...identity, readings }).catchall(z.unknown());
const bare = z
  .object(identity)
  .catchall(reading)
  .refine(({ ts: _ts, seq: _seq, id: _id, ...rest }) => {
    const isEnvelope = typeof rest['readings'] === 'object';
    return (
      !isEnvelope &&
      holdsReading(rest) &&
      Object.keys(rest).every((name) => metricName.safeParse(name).success)
    );
  });
const message = z.union([enveloped, bare]);

export const telemetryPayloadSchema = z.union([message, z.array(message).min(1).max(MAX_ARRAY_LENGTH)]);

/** `data` of a record of `fieldgate.telemetry.v1`: nested readings are flattened with dots. */
export const telemetryDataSchema = z.object({
  readings: z.record(metricName, z.union([z.number(), z.boolean(), z.string()])),
  seq: z.number().int().optional(),
});

/** `ts`, `seq` and `id`, as in every message of a device. */
export const messageIdentitySchema = z.object(identity);

/** An empty object within holds none. */
function holdsReading(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.values(value).some(holdsReading);
}

function isNested(value: Readonly<Record<string, unknown>>): boolean {
  return Object.values(value).every((child) => reading.safeParse(child).success);
}
