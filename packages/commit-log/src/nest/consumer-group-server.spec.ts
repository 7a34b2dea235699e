import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, UseFilters, type INestApplicationContext } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { FieldgateError, type ConsumerGroup } from '@fieldgate/contracts';
import { HANDLED, type BatchOutcome, type LogBatch } from '../log-reader.js';
import type { LogRecord } from '../log-record.js';
import { appended } from '../log-writer.js';
import { Inbox } from '../testing/inbox.js';
import { createMemoryLog, type MemoryLog } from '../testing/memory-log.js';
import { ConsumerGroupServer } from './consumer-group-server.js';
import { KeepErrorType } from './keep-error-type.js';

const ALPHA = Symbol('alpha');
const BETA = Symbol('beta');
const EVENTS = 'fieldgate.events.v1';
const ALERTS = 'fieldgate.alerts.v1';

/** What the handlers of both groups do in a test. */
const alpha = { events: new Inbox<LogRecord>(), alerts: new Inbox<LogRecord>(), answer: handled };
const beta: { events: Inbox<LogRecord>; answer: (batch: LogBatch) => BatchOutcome | Promise<BatchOutcome> } =
  {
    events: new Inbox<LogRecord>(),
    answer: handled,
  };

function handled(_batch: LogBatch): BatchOutcome {
  return HANDLED;
}

@Controller()
@UseFilters(KeepErrorType)
class AlphaController {
  @EventPattern<string>(EVENTS, ALPHA)
  async events(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    alpha.events.push(...batch.records);
    return alpha.answer(batch);
  }

  @EventPattern<string>(ALERTS, ALPHA)
  async alerts(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    alpha.alerts.push(...batch.records);
    return HANDLED;
  }
}

@Controller()
class BetaController {
  @EventPattern<string>(EVENTS, BETA)
  async events(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    beta.events.push(...batch.records);
    return beta.answer(batch);
  }
}

let log: MemoryLog;
let application: INestApplicationContext & { close(): Promise<void> };
let failures: Inbox<unknown>;

async function serve(started: Promise<void> = log.start(), graceMs?: number): Promise<void> {
  const module = await Test.createTestingModule({ controllers: [AlphaController, BetaController] }).compile();
  const app = module.createNestApplication(new FastifyAdapter(), { logger: false });
  const connect = (group: ConsumerGroup, transport: symbol): void => {
    const strategy = new ConsumerGroupServer({
      group,
      transport,
      log,
      started,
      failed: failures.push,
      graceMs,
    });
    app.connectMicroservice({ strategy });
  };
  connect('fieldgate.alpha', ALPHA);
  connect('fieldgate.beta', BETA);
  await app.init();
  await app.startAllMicroservices();
  application = app;
}

function say(topic: typeof EVENTS | typeof ALERTS, text: string): Promise<unknown> {
  return appended(log.writer, { topic, key: 'pump-7', value: Buffer.from(text) });
}

beforeEach(() => {
  log = createMemoryLog();
  failures = new Inbox();
  Object.assign(alpha, { events: new Inbox(), alerts: new Inbox(), answer: handled });
  Object.assign(beta, { events: new Inbox(), answer: handled });
});
afterEach(async () => {
  await application?.close();
  await log.stop();
});

describe('a consumer group as a transport', () => {
  it('is closed in time when a handler does not end', async () => {
    const stuck = new Inbox<() => void>();
    beta.answer = () => new Promise((resolve) => stuck.push(() => resolve(HANDLED)));
    await serve(log.start(), 50);
    await say(EVENTS, '1');
    await stuck.count(1);
    await application.close();
    for (const release of stuck.all) release();
  });

  it('gives each of two groups every batch of the topics that its handlers name', async () => {
    await serve();
    await say(EVENTS, '1');
    await say(ALERTS, '2');
    await Promise.all([alpha.events.count(1), alpha.alerts.count(1), beta.events.count(1)]);
    expect(await log.reader.lag('fieldgate.beta', ALERTS)).toBe(1); // beta does not listen to alerts
    expect(failures.all).toEqual([]);
  });

  it('takes what the handler returns as the outcome', async () => {
    let tries = 0;
    alpha.answer = (batch) => {
      tries += batch.records.length;
      return tries === 1 ? { refused: [], retry: [0] } : HANDLED;
    };
    await serve();
    await say(EVENTS, '1');
    await alpha.events.count(2);
    expect(alpha.events.all.map(({ offset }) => offset)).toEqual([0, 0]);
    expect(failures.all).toEqual([]);
  });

  it('keeps the type of a retriable error, so the batch comes again', async () => {
    let tries = 0;
    alpha.answer = (batch) => {
      tries += batch.records.length;
      if (tries === 1) throw new FieldgateError('store-unavailable');
      return HANDLED;
    };
    await serve();
    await say(EVENTS, '1');
    await alpha.events.count(2);
    expect(failures.all).toEqual([]);
  });

  it('reports the very error of a handler that has a bug, and leaves the other group alone', async () => {
    const bug = new Error('a bug');
    alpha.answer = (batch) => {
      if (batch.records.length > 0) throw bug;
      return HANDLED;
    };
    await serve();
    await say(EVENTS, '1');
    expect(await failures.count(1)).toEqual([bug]);
    await say(EVENTS, '2');
    await beta.events.count(2);
  });

  it('says what is missing when Nest has replaced the error of a handler', async () => {
    beta.answer = () => {
      throw new Error('a bug');
    };
    await serve();
    const [error] = await failures.count(1);
    expect(error).toMatchObject({ message: expect.stringContaining('@UseFilters(KeepErrorType)') });
  });

  it('does not take nothing for an outcome', async () => {
    alpha.answer = () => undefined as unknown as BatchOutcome; // what a handler without a return gives
    await serve();
    const [error] = await failures.count(1);
    expect(error).toMatchObject({ message: expect.stringContaining('returned no outcome') });
  });

  it('is up before the log has started, and consumes when it has', async () => {
    let start: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (start = resolve));
    await serve(started);
    expect(alpha.events.all).toEqual([]);
    await log.start();
    await say(EVENTS, '1');
    start();
    await alpha.events.count(1);
  });

  it('closes although the log never started', async () => {
    await serve(new Promise<void>(() => undefined));
    await application.close();
    expect(failures.all).toEqual([]);
  });

  it('stops after the batch in hand', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    alpha.answer = ((batch: LogBatch) =>
      batch.records.length > 0 ? held.then(() => HANDLED) : HANDLED) as typeof handled; // awaited either way
    await serve();
    await say(EVENTS, '1');
    await alpha.events.count(1);
    const closing = application.close();
    release();
    await closing;
    expect(await log.reader.lag('fieldgate.alpha', EVENTS)).toBe(0);
  });
});

describe('a consumer group that is set up wrongly', () => {
  function server(): ConsumerGroupServer {
    const group = 'fieldgate.alpha';
    return new ConsumerGroupServer({
      group,
      transport: ALPHA,
      log,
      started: log.start(),
      failed: failures.push,
    });
  }

  it('has no two handlers of one topic', () => {
    const strategy = server();
    strategy.addHandler(EVENTS, async () => HANDLED, true);
    expect(() => strategy.addHandler(EVENTS, async () => HANDLED, true)).toThrow('two handlers');
  });

  it('listens only to topics of the log, and to one at least', () => {
    const strategy = server();
    expect(() => strategy.listen(() => undefined)).toThrow('no handlers');
    strategy.addHandler('orders', async () => HANDLED, true);
    expect(() => strategy.listen(() => undefined)).toThrow('orders, which is no topic of the log');
  });
});
