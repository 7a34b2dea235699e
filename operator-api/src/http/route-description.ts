import type { z } from 'zod';

/** What the OpenAPI document says of a route beside its path and method. The request schemas are those that validate. */
export interface RouteDescription {
  readonly summary: string;
  readonly description?: string;
  /** Of the query string, path and body: the very schemas of `@Query({ schema })` and `@Body({ schema })`. */
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: z.ZodType }>>;
  /** Successful answers by status; `undefined` has no body. Problems (RFC 9457) are the same everywhere and are added. */
  readonly answers: Readonly<
    Record<
      number,
      { readonly description: string; readonly schema?: z.ZodType; readonly contentType?: string }
    >
  >;
}

const descriptions = new WeakMap<object, RouteDescription>();

/** On every handler of a route; `/openapi.json` is made of it, and a test finds the handler that has none. */
export function Describe(description: RouteDescription): MethodDecorator {
  return (_target, _name, descriptor) => {
    if (typeof descriptor.value === 'function') descriptions.set(descriptor.value, description);
  };
}

export function descriptionOf(handler: object): RouteDescription | undefined {
  return descriptions.get(handler);
}
