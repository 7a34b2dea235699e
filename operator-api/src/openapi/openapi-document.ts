import { ERRORS } from '@fieldgate/contracts';
import { z } from 'zod';
import type { RouteDescription } from '../http/route-description.js';
import { shownSchema } from '../http/shown-as.js';
import type { Route } from './described-routes.js';

type Json = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) from the schemas that validate. The same routes give the same bytes. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Fieldgate operator API',
      version,
      description:
        'Devices, telemetry, commands, alerts and dead letters. docs/http-api.md has the whole story with examples.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'The admin key' } },
      schemas: { Problem: problemSchema() },
      responses: { Problem: problemResponse() },
    },
  };
}

function operationOf(route: Route): Json {
  const { description: described, method, handler, path } = route;
  const needsKey = path.startsWith('/v1/');
  return {
    operationId: `${tagOf(route)}-${handler}`,
    tags: [tagOf(route)],
    summary: described?.summary ?? '',
    ...(described?.description === undefined ? {} : { description: described.description }),
    ...(needsKey ? { security: [{ apiKey: [] }] } : { security: [] }),
    parameters: [...pathParameters(path), ...queryParameters(described), ...headerParameters(described)],
    ...(described?.body === undefined || method === 'get' ? {} : { requestBody: bodyOf(described.body) }),
    responses: {
      ...answersOf(described),
      ...(needsKey ? { default: { $ref: '#/components/responses/Problem' } } : {}),
    },
  };
}

/** The noun: `devices` of `/v1/devices/{id}`; what has none is about the process. */
function tagOf({ path }: Route): string {
  return /^\/v1\/(?:devices\/\{id\}\/(?=telemetry|commands))?([a-z-]+)/.exec(path)?.[1] ?? 'process';
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }));
}

function queryParameters(described: RouteDescription | undefined): Json[] {
  if (described?.query === undefined) return [];
  const schema = jsonSchemaOf(described.query, 'input');
  const required = new Set(listOf(schema['required']));
  return Object.entries(objectOf(schema['properties'])).map(([name, property]) => {
    const { description, ...rest } = objectOf(property);
    const parameter: Record<string, unknown> = {
      name,
      in: 'query',
      required: required.has(name),
      schema: rest,
    };
    if (description !== undefined) parameter['description'] = description;
    if (rest['type'] === 'array') Object.assign(parameter, { style: 'form', explode: true });
    return parameter;
  });
}

function headerParameters(described: RouteDescription | undefined): Json[] {
  return Object.entries(described?.headers ?? {}).map(([name, { description, schema }]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: jsonSchemaOf(schema, 'input'),
  }));
}

function bodyOf(schema: z.ZodType): Json {
  return {
    required: !schema.safeParse(undefined).success,
    content: { 'application/json': { schema: jsonSchemaOf(schema, 'input') } },
  };
}

function answersOf(described: RouteDescription | undefined): Json {
  const answers = Object.entries(described?.answers ?? {}).map(
    ([status, { description, schema, contentType }]) => {
      if (schema === undefined && contentType === undefined) return [status, { description }];
      const content = schema === undefined ? { type: 'string' } : jsonSchemaOf(schema, 'output');
      return [status, { description, content: { [contentType ?? 'application/json']: { schema: content } } }];
    },
  );
  return Object.fromEntries(answers) as Json; // pairs of a status and an object
}

/** Draft 2020-12, which is that of OpenAPI 3.1; what transforms text is shown as `shownAs` says. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const shown = shownSchema(zodSchema);
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern; // 400 characters that say the same
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (!shown) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, shown);
    },
  });
  return json;
}

function problemResponse(): Json {
  return {
    description: 'What went wrong: RFC 9457, decide by `code`',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function problemSchema(): Json {
  return {
    type: 'object',
    required: ['title', 'status', 'detail', 'code'],
    properties: {
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      code: { type: 'string', enum: Object.keys(ERRORS) },
      todo: { type: 'string' },
      errors: {
        type: 'array',
        items: {
          type: 'object',
          required: ['path', 'message'],
          properties: { path: { type: 'string' }, message: { type: 'string' } },
        },
      },
    },
  };
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}; // an object has members
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
