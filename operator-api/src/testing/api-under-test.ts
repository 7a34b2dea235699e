import { CommandsView, CommitLogModule, type CommitLog, type LogPosition } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { hashSecret, type Command } from '@fieldgate/contracts';
import { createLogger, Readiness, ServiceModule, Supervisor } from '@fieldgate/service';
import { TELEMETRY_STORE } from '@fieldgate/telemetry-store';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DeviceTables } from '../devices/device-tables.js';
import { operatorHttpAdapter } from '../http/http-adapter.js';
import { DescribedRoutes } from '../openapi/described-routes.js';
import { OperatorApiModule } from '../operator-api.module.js';
import { wrongAnswer } from './fits-description.js';
import { MemoryStore } from './memory-store.js';
import { SimulatedDevice, type FollowedTopic, type SimulatedWorld } from './simulated-device.js';

export const ADMIN_KEY = 'an-admin-key-for-tests';
const ADMIN_KEY_HASH = hashSecret(ADMIN_KEY, Buffer.from('salt of the tests'));
export const NOW = Date.parse('2026-11-20T21:30:00.000Z');

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** The API over HTTP on a port of its own, on a log and a store in memory. */
export class ApiUnderTest implements SimulatedWorld {
  readonly store = new MemoryStore();
  readonly readiness = new Readiness();
  readonly clock = { ms: NOW, now: (): number => this.clock.ms };
  /** What silence is measured with. */
  readonly monotonic = { ms: 0, now: (): number => this.monotonic.ms };
  readonly log: MemoryLog;
  url = '';
  /** Every route that fastify was given: `get /v1/devices/{id}`. */
  readonly served: string[] = [];
  private app: NestFastifyApplication | undefined;

  constructor(log?: MemoryLog) {
    this.log = log ?? createMemoryLog({ partitions: 3, clock: this.clock });
  }

  /** `opened`: until then the log is not there yet. */
  async start(opened: Promise<void> = Promise.resolve()): Promise<this> {
    const logger = createLogger({ level: 'silent' });
    const root: DynamicModule = {
      module: class Root {},
      imports: [
        ServiceModule.forRoot({
          logger,
          clock: this.clock,
          monotonic: this.monotonic,
          supervisor: new Supervisor(logger),
          readiness: this.readiness,
        }),
        CommitLogModule.forLog(openedAfter(opened, this.log)),
        storeModule(this.store),
        OperatorApiModule.forRoot({ adminKeyHash: ADMIN_KEY_HASH }),
      ],
    };
    const adapter = operatorHttpAdapter();
    adapter.getInstance().addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat())
        if (each !== 'HEAD' && url.startsWith('/'))
          this.served.push(`${each.toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`);
    });
    this.app = await NestFactory.create<NestFastifyApplication>(root, adapter, { logger: false });
    await this.app.listen(0, '127.0.0.1');
    this.url = await this.app.getUrl();
    return this;
  }

  async ready(): Promise<this> {
    await this.readiness.ready();
    return this;
  }

  async stop(): Promise<void> {
    await this.app?.close();
  }

  now(): number {
    return this.clock.ms;
  }

  device(id: string): SimulatedDevice {
    return new SimulatedDevice(this, id);
  }

  async seen(topic: FollowedTopic, at: LogPosition): Promise<void> {
    switch (topic) {
      case 'fieldgate.commands.v1':
        return this.get(CommandsView).reached(at);
      case 'fieldgate.sessions.v1':
        return this.get(DeviceTables).sessions.reached(at);
      case 'fieldgate.gateways.v1':
        return this.get(DeviceTables).gateways.reached(at);
    }
  }

  /** The next command that is requested, as a gateway would see it. */
  requested(): Promise<Command> {
    return new Promise((resolve) => {
      const stop = this.get(CommandsView).changes((command) => {
        if (command.state !== 'requested') return;
        stop();
        resolve(command);
      });
    });
  }

  get<T>(type: abstract new (...parts: never[]) => T): T {
    if (!this.app) throw new Error('not started');
    return this.app.get<T>(type, { strict: false });
  }

  /** One request with the admin key; an answer must be as its route describes it. A body that is text goes out as it is. */
  async call(
    request: `${string} /${string}`,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Answer> {
    const [method = 'GET', path = '/'] = request.split(' ', 2);
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await answer.text();
    const { status } = answer;
    const answered: unknown = text === '' ? undefined : JSON.parse(text);
    const wrong = wrongAnswer(this.get(DescribedRoutes).all(), { method, url: path, status, body: answered });
    if (wrong !== undefined) throw new Error(wrong);
    return { status, headers: answer.headers, body: answered };
  }
}

function openedAfter(opened: Promise<void>, log: MemoryLog): CommitLog {
  return {
    reader: log.reader,
    writer: log.writer,
    ingest: log.ingest,
    problem: () => log.problem(),
    spool: () => log.spool(),
    start: () => opened.then(() => log.start()),
    stop: () => log.stop(),
  };
}

function storeModule(store: MemoryStore): DynamicModule {
  const providers = [{ provide: TELEMETRY_STORE, useValue: store }];
  return { module: class Store {}, global: true, providers, exports: [TELEMETRY_STORE] };
}
