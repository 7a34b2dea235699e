import type { z } from 'zod';

const shown = new WeakMap<object, Readonly<Record<string, unknown>>>();

/** How a schema that transforms text is to be read in `/openapi.json`: JSON Schema of what a caller writes. */
export function shownAs<S extends z.ZodType>(schema: S, jsonSchema: Readonly<Record<string, unknown>>): S {
  shown.set(schema, jsonSchema);
  return schema;
}

export function shownSchema(schema: object): Readonly<Record<string, unknown>> | undefined {
  return shown.get(schema);
}
