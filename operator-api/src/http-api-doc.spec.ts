import { ERRORS } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { RequestMethod, type Type } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { CommandsController } from './commands/commands.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { DevicesController } from './devices/devices.controller.js';
import { EventsController } from './events/events.controller.js';
import { TelemetryController } from './telemetry/telemetry.controller.js';

const documentation = await readFile(new URL('../../docs/http-api.md', import.meta.url), 'utf8');
const controllers: Type[] = [
  DevicesController,
  TelemetryController,
  EventsController,
  CommandsController,
  DeadLettersController,
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

it('docs/http-api.md names only codes that exist', () => {
  const codes = [...documentation.matchAll(/\b[45]\d\d(?:[, \d]*)? \|? ?`([a-z-]+)`/g)].map(
    ([, code]) => code,
  );
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !Object.hasOwn(ERRORS, String(code)))).toEqual([]);
});
