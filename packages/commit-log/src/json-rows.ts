import type { z } from 'zod';

/** The parser of a table whose rows are JSON of one schema: undefined for anything else. */
export function jsonRows<T>(schema: z.ZodType<T>): (value: Uint8Array) => T | undefined {
  return (value) => {
    try {
      return schema.safeParse(JSON.parse(Buffer.from(value).toString('utf8'))).data;
    } catch {
      return undefined; // not JSON: the table reports the record as unreadable
    }
  };
}
