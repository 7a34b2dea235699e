import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { z } from 'zod';
import { wrongAnswer } from '../testing/fits-description.js';
import { ApiUnderTest } from '../testing/api-under-test.js';
import { DescribedRoutes } from './described-routes.js';

const documentSchema = z.looseObject({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ summary: z.string(), operationId: z.string() })),
  ),
});

let api: ApiUnderTest;
let document: z.output<typeof documentSchema>;

beforeAll(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  document = documentSchema.parse(
    (await api.call('GET /openapi.json', undefined, { authorization: '' })).body,
  );
});
afterAll(() => api.stop());

it('holds every route that is served, and each is described', () => {
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(documented.toSorted()).toEqual(api.served.toSorted());
  const undescribed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { summary }]) => (summary === '' ? [`${method} ${path}`] : [])),
  );
  expect(undescribed).toEqual([]);
});

it('is a valid OpenAPI document, with an id of its own for each operation', async () => {
  expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

it('says what requests take, from the schemas that validate them', () => {
  const list = document.paths['/v1/devices']?.['get'];
  expect(list?.['parameters']).toContainEqual({
    name: 'limit',
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  });
  const create = JSON.stringify(document.paths['/v1/devices']?.['post']?.['requestBody']);
  expect(create).toContain('[A-Za-z0-9][A-Za-z0-9._-]{0,63}');
});

it('is the same at every start', async () => {
  const again = await (await new ApiUnderTest().start()).ready();
  const [one, two] = await Promise.all(
    [api, again].map(async ({ url }) => (await fetch(`${url}/openapi.json`)).text()),
  );
  await again.stop();
  expect(one === two).toBe(true); // the whole document twice would be no help to read
});

it('can be read as a page that loads nothing, and holds every call', async () => {
  const answer = await fetch(`${api.url}/docs`);
  const html = await answer.text();
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  for (const path of Object.keys(document.paths)) expect(html).toContain(`<code>${path}</code>`);
  expect(html).not.toMatch(/<script|<link|src=|https?:/);
});

it('an answer that is not as described is noticed', () => {
  const routes = api.get(DescribedRoutes).all();
  const at = { method: 'GET', url: '/v1/devices/pump-7/latest', status: 200 };
  const readings = { a: { value: 1, time: '2026-11-20T21:30:00.000Z' } };
  expect(wrongAnswer(routes, { ...at, body: { deviceId: 'pump-7', readings } })).toBeUndefined();
  expect(wrongAnswer(routes, { ...at, body: { deviceId: 'pump-7', readings, more: 1 } })).toContain(
    'not described',
  );
  expect(wrongAnswer(routes, { ...at, body: { deviceId: 'pump-7' } })).toContain('otherwise than described');
  expect(wrongAnswer(routes, { ...at, status: 201, body: {} })).toContain('status 201');
});
