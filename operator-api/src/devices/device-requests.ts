import { deviceIdSchema, labelsSchema, MAX_SECRET_LENGTH, MIN_SECRET_LENGTH } from '@fieldgate/contracts';
import { z } from 'zod';
import { limitSchema, repeated } from '../http/query-schemas.js';
import { shownAs } from '../http/shown-as.js';

export const MAX_DEVICES_PER_REQUEST = 1000;
const MAX_LABELS = 32;

/** zod says only "Invalid key in record" of a wrong label name; the rule stands a level below. */
export const ruleOfKeys: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;

const labels = labelsSchema.refine(
  (all) => Object.keys(all).length <= MAX_LABELS,
  `a device has at most ${MAX_LABELS} labels`,
);
const type = z.string().min(1).max(64);

/** Imported from elsewhere. A device sends it as its MQTT password. */
const secret = z
  .string()
  .min(MIN_SECRET_LENGTH, `a secret has at least ${MIN_SECRET_LENGTH} characters`)
  .max(MAX_SECRET_LENGTH, `a secret has at most ${MAX_SECRET_LENGTH} characters`);

const newDeviceSchema = z.strictObject({
  id: deviceIdSchema,
  type: type.optional(),
  labels: labels.default({}),
  secret: secret.optional(),
});
export type NewDevice = z.output<typeof newDeviceSchema>;

const newDevicesSchema = z
  .array(newDeviceSchema)
  .min(1, 'must name at least one device')
  .max(MAX_DEVICES_PER_REQUEST, `at most ${MAX_DEVICES_PER_REQUEST} devices at once`);

/** One device, or many; the issues are those of what was sent, not of a union. */
const oneOrMany = z.unknown().transform((body, context): NewDevice | readonly NewDevice[] => {
  const parsed = (Array.isArray(body) ? newDevicesSchema : newDeviceSchema).safeParse(body, {
    error: ruleOfKeys,
  });
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues)
    context.addIssue({ code: 'custom', message, path: [...path] });
  return z.NEVER;
});

/** The same as it is to be read: the transform above has no shape of its own. */
const { $schema: _one, ...oneShown } = z.toJSONSchema(newDeviceSchema, {
  io: 'input',
  unrepresentable: 'any',
});
export const oneOrManyDevicesSchema = shownAs(oneOrMany, {
  oneOf: [oneShown, { type: 'array', items: oneShown, minItems: 1, maxItems: MAX_DEVICES_PER_REQUEST }],
});

/** JSON Merge Patch (RFC 7396): null removes. */
export const devicePatchSchema = z.strictObject({
  type: type.nullable().optional(),
  labels: z
    .record(z.string(), z.union([z.string(), z.null()]))
    .nullable()
    .optional(),
});
export type DevicePatch = z.output<typeof devicePatchSchema>;

/** What the labels of a device are after a patch, or why they cannot be that. */
export const patchedLabelsSchema = labels;

export const newSecretSchema = z
  .strictObject({ secret: secret.optional() })
  .nullish()
  .transform((body) => body ?? {});
export type NewSecret = z.output<typeof newSecretSchema>;

export const devicesQuerySchema = z.strictObject({
  online: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .optional(),
  /** `name` or `name:value`; a device must match them all. */
  label: repeated(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,62}(:.{0,256})?$/, 'must be name or name:value'),
    MAX_LABELS,
  ).optional(),
  limit: limitSchema(100, 1000),
  cursor: z
    .string()
    .max(128)
    .transform((text) => Buffer.from(text, 'base64url').toString('utf8'))
    .pipe(deviceIdSchema)
    .optional(),
});
export type DevicesQuery = z.output<typeof devicesQuerySchema>;
