import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { CommitLogModule } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger, ServiceModule } from '@fieldgate/service';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AlertsModule } from '../alerts/alerts.module.js';
import { DEFAULT_PROCESSORS_CONFIG } from '../processors.config.js';
import { raised, writeAlert } from '../testing/alert-steps.js';
import { SECRET } from '../testing/sinks-under-test.js';
import { until } from '../testing/until.js';
import { WebhookReceiver } from '../testing/webhook-receiver.js';
import { NotifyModule } from './notify.module.js';

it('a notification in the rules file becomes a webhook, through Nest, and another one when the file changes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fieldgate-notify-'));
  const rulesFile = join(directory, 'rules.yaml');
  const receiver = await WebhookReceiver.open(SECRET);
  const sink = (name: string): string =>
    `- { name: ${name}, webhook: { url: '${receiver.url}', allowPrivate: true } }\n`;
  await writeFile(rulesFile, `version: 1\nnotifications:\n${sink('ops')}`);
  const log = createMemoryLog();
  const config = { ...DEFAULT_PROCESSORS_CONFIG, rulesFile, webhookSecret: SECRET };
  const module = await Test.createTestingModule({
    imports: [
      ServiceModule.forRoot({ logger: createLogger({ level: 'silent' }) }),
      CommitLogModule.forLog(log),
      AlertsModule.forRoot(config),
      NotifyModule.forRoot(config),
    ],
  }).compile();
  const application = module.createNestApplication(new FastifyAdapter());
  await application.init();
  await until(() => log.problem() === undefined);
  await writeAlert(log, raised(), Date.now());
  await until(() => receiver.calls.length === 1);
  expect(receiver.calls[0]?.isSigned).toBe(true);
  await writeFile(rulesFile, `version: 1\nnotifications:\n${sink('other')}`);
  await until(() => receiver.calls.length === 2); // a new sink gets what is not too old
  expect(new Set(receiver.ids).size).toBe(1);
  await application.close();
  await receiver.close();
  await rm(directory, { recursive: true });
}, 30_000);
