import { expect, it } from '@jest/globals';
import { AlertRulesController } from './alerts/alert-rules.controller.js';
import { AlertsController } from './alerts/alerts.controller.js';
import { CatchUp } from './catch-up.js';
import { CommandsController } from './commands/commands.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { DevicesController } from './devices/devices.controller.js';
import { EventsController } from './events/events.controller.js';
import { TelemetryController } from './telemetry/telemetry.controller.js';
import { ApiUnderTest } from './testing/api-under-test.js';

it('the module compiles with what a composing root provides', async () => {
  const api = await new ApiUnderTest().start();
  expect(api.get(CatchUp)).toBeInstanceOf(CatchUp);
  expect(api.get(DevicesController)).toBeInstanceOf(DevicesController);
  expect(api.get(TelemetryController)).toBeInstanceOf(TelemetryController);
  expect(api.get(EventsController)).toBeInstanceOf(EventsController);
  expect(api.get(CommandsController)).toBeInstanceOf(CommandsController);
  expect(api.get(DeadLettersController)).toBeInstanceOf(DeadLettersController);
  expect(api.get(AlertsController)).toBeInstanceOf(AlertsController);
  expect(api.get(AlertRulesController)).toBeInstanceOf(AlertRulesController);
  await api.stop();
});
