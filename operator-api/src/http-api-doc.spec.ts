import { ERRORS } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestMethod, type Type } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { HealthController } from '@fieldgate/service';
import { AlertRulesController } from './alerts/alert-rules.controller.js';
import { AlertsController } from './alerts/alerts.controller.js';
import { AsyncApiController } from './asyncapi/asyncapi.controller.js';
import { CommandsController } from './commands/commands.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { DevicesController } from './devices/devices.controller.js';
import { EventsController } from './events/events.controller.js';
import { DeviceLedgerController } from './ledger/device-ledger.controller.js';
import { VerifyLedgerController } from './ledger/verify-ledger.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { StreamController } from './stream/stream.controller.js';
import { TelemetryController } from './telemetry/telemetry.controller.js';
import { ADMIN_KEY, ApiUnderTest } from './testing/api-under-test.js';

const documentation = await readFile(new URL('../../docs/http-api.md', import.meta.url), 'utf8');
const controllers: Type[] = [
  DevicesController,
  TelemetryController,
  EventsController,
  CommandsController,
  DeadLettersController,
  AlertsController,
  AlertRulesController,
  VerifyLedgerController,
  DeviceLedgerController,
  StreamController,
];

/** What Nest's decorators have noted: `GET /v1/devices/{id}`. */
function callsOf(controller: Type): string[] {
  const prototype = controller.prototype as Record<string, object>; // methods, and nothing else
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = prototype[name];
    const path: unknown = handler && Reflect.getMetadata('path', handler);
    if (!handler || name === 'constructor' || typeof path !== 'string') return [];
    const method = RequestMethod[Number(Reflect.getMetadata('method', handler))];
    const whole = `/${String(Reflect.getMetadata('path', controller))}/${path}`.replace(/\/+$/, '');
    return [`${method} ${whole.replace(':id', '{id}')}`];
  });
}

it('docs/http-api.md has a section for every call, and for no other', () => {
  const documented = [...documentation.matchAll(/^### `([A-Z]+ \/v1\/[^`]+)`$/gm)].map(([, call]) => call);
  expect(documented.toSorted()).toEqual(controllers.flatMap(callsOf).toSorted());
});

it('every call needs the key', async () => {
  const api = await (await new ApiUnderTest().start()).ready();
  const calls = controllers.flatMap(callsOf) as `${string} /${string}`[]; // as `callsOf` says
  const answers = await Promise.all(calls.map((call) => api.call(call, undefined, { authorization: '' })));
  await api.stop();
  expect(answers.map(({ status }) => status)).toEqual(calls.map(() => 401));
});

it('SECURITY.md names everything that is answered without a key, and docs/http-api.md says so', async () => {
  const calls = [HealthController, OpenApiController, AsyncApiController].flatMap(callsOf);
  const paths = calls.map((call) => call.replace(/^GET \/+/, '/'));
  const security = await readFile(new URL('../../SECURITY.md', import.meta.url), 'utf8');
  const [line = ''] = /^- A request without the admin key .*$/m.exec(security) ?? [];
  expect([...line.matchAll(/`(\/[^`]+)`/g)].map(([, path]) => path).toSorted()).toEqual(paths.toSorted());
  const [key = ''] = /^- \*\*Key\*\*: .*$/m.exec(documentation) ?? [];
  for (const path of paths) expect(key).toContain(`\`${path}\``);
});

it('docs/http-api.md names only codes that exist', () => {
  const codes = [...documentation.matchAll(/\b[45]\d\d(?:[, \d]*)? \|? ?`([a-z-]+)`/g)].map(
    ([, code]) => code,
  );
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !Object.hasOwn(ERRORS, String(code)))).toEqual([]);
});

describe('the alias of docs/http-api.md works where there is no body', () => {
  let api: ApiUnderTest;
  const alias = /^alias fg=.*$/m.exec(documentation)?.[0] ?? '';
  const headers = [...alias.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name, value]) => [
    String(name).toLowerCase(),
    String(value).replace('$KEY', ADMIN_KEY),
  ]);
  const calls = [...documentation.matchAll(/^fg -X (DELETE|POST) \$URL(\/v1\/devices\/\S+)$/gm)].map(
    ([, method, path]) => `${method} ${path}` as `${string} /${string}`, // as the pattern says
  );

  beforeEach(async () => {
    api = await (await new ApiUnderTest().start()).ready();
    await api.call('POST /v1/devices', { id: 'pump-7' });
  });

  afterEach(() => api.stop());

  it('sends a key and a content type, and there are two such calls', () => {
    expect(headers).toEqual([
      ['authorization', `Bearer ${ADMIN_KEY}`],
      ['content-type', 'application/json'],
    ]);
    expect(calls).toEqual(['DELETE /v1/devices/pump-7', 'POST /v1/devices/pump-7/secret']);
  });

  it.each(calls)('%s', async (call) => {
    const answer = await api.call(call, undefined, Object.fromEntries(headers));
    expect(answer.status).toBe(call.startsWith('DELETE') ? 204 : 200);
  });
});
