import { z } from 'zod';
import { MAX_ARRAY_LENGTH } from '../telemetry/parse-telemetry.js';

/*
 * A SenML pack in JSON as a schema, for documents. What takes packs is `senmlPack`; that there is a value or a sum, that names are of the
 * grammar and that base fields fit together is left to it.
 */
const record = z
  .object({
    bver: z.number().int().min(1).max(10),
    bn: z.string(),
    bt: z.number(),
    bu: z.string(),
    bv: z.number(),
    bs: z.number(),
    n: z.string(),
    u: z.string(),
    v: z.number(),
    vs: z.string(),
    vb: z.boolean(),
    vd: z
      .string()
      .regex(/^[A-Za-z0-9_-]*$/)
      .describe('base64url without padding; a byte string in CBOR'),
    s: z.number(),
    t: z.number().describe('Seconds since 1970; below 2 to the 28th relative to arrival'),
    ut: z.number(),
  })
  .partial()
  .catchall(z.unknown());

export const senmlPackSchema = z.array(record).min(1).max(MAX_ARRAY_LENGTH);
