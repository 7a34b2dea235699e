import { appended, type LogReader } from '@fieldgate/commit-log';
import { createMemoryLog, Inbox, type MemoryLog } from '@fieldgate/commit-log/testing';
import { encodeEvent, type LogTopic } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { register } from 'prom-client';
import { ADMIN_KEY, ApiUnderTest } from '../testing/api-under-test.js';

interface Received {
  readonly event: string;
  readonly data: { readonly id: string; readonly subject: string };
}

let api: ApiUnderTest;
const open: StreamOfEvents[] = [];

/** Reads what a browser's EventSource would read. */
class StreamOfEvents {
  readonly events = new Inbox<Received>();
  readonly comments = new Inbox<string>();
  /** What it would go on from. */
  lastEventId = '';

  private constructor(
    readonly answer: IncomingMessage,
    private readonly end: () => void,
  ) {
    let rest = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.take(block);
    });
    answer.on('error', () => undefined);
  }

  static async of(query: string, headers: Record<string, string> = {}): Promise<StreamOfEvents> {
    const asked = request(`${api.url}/v1/stream${query}`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    });
    asked.on('error', () => undefined).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // what `response` carries
    const stream = new StreamOfEvents(answer, () => asked.destroy());
    open.push(stream);
    await stream.comments.count(1);
    return stream;
  }

  get ids(): string[] {
    return this.events.all.map(({ data }) => data.id);
  }

  close(): void {
    this.end();
  }

  private take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
    const comment = fields.get('');
    if (comment !== undefined) this.comments.push(comment);
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    const data = fields.get('data');
    if (data !== undefined && fields.get('event') !== 'position')
      this.events.push({
        event: fields.get('event') ?? 'message',
        data: JSON.parse(data) as Received['data'], // a CloudEvent of this test
      });
  }
}

async function say(deviceId: string, id: string, topic: LogTopic = 'fieldgate.events.v1'): Promise<void> {
  const event = { deviceId, event: 'door', state: 'info', severity: 'info' } as const;
  const value = encodeEvent(event, { id, timeMs: api.clock.ms }, api.clock.ms);
  await appended(api.log.writer, { topic, key: deviceId, value });
}

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close();
  await api.stop();
});

describe('GET /v1/stream', () => {
  it('tells of what comes, from now on, under the name of its topic', async () => {
    await say('pump-1', 'before');
    const stream = await StreamOfEvents.of('');
    expect(stream.answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await say('pump-1', '1');
    await say('pump-2', '2', 'fieldgate.alerts.v1');
    await say('pump-3', '3', 'fieldgate.telemetry.v1');
    await stream.events.count(3);
    const kinds = Object.fromEntries(stream.events.all.map(({ event, data }) => [data.id, event]));
    expect(kinds).toEqual({ '1': 'event', '2': 'alert', '3': 'telemetry' });
  });

  it('filters by topic, device and label', async () => {
    await api.call('POST /v1/devices', { id: 'pump-2', labels: { site: 'north' } });
    const streams = await Promise.all([
      StreamOfEvents.of('?topics=alerts'),
      StreamOfEvents.of('?device=pump-1&device=pump-3'),
      StreamOfEvents.of('?label=site:north'),
    ]);
    for (const n of [1, 2, 3]) await say(`pump-${n}`, String(n));
    for (const n of [1, 2, 3]) await say(`pump-${n}`, `alert ${n}`, 'fieldgate.alerts.v1');
    await Promise.all([streams[0].events.count(3), streams[1].events.count(4), streams[2].events.count(2)]);
    expect(streams.map(({ ids }) => ids.toSorted())).toEqual([
      ['alert 1', 'alert 2', 'alert 3'],
      ['1', '3', 'alert 1', 'alert 3'],
      ['2', 'alert 2'],
    ]);
  });

  it('goes on after Last-Event-ID, without a gap and without a repeat, on another instance', async () => {
    const first = await StreamOfEvents.of('?topics=events');
    for (let n = 0; n < 10; n++) await say(`pump-${n}`, `a${n}`);
    await first.events.count(10);
    const { lastEventId } = first;
    first.close();
    for (let n = 0; n < 1_300; n++) await say(`pump-${n % 10}`, `b${n}`);
    const log = api.log.restarted();
    await api.stop();
    api = await (await new ApiUnderTest(log).start()).ready();
    const second = await StreamOfEvents.of('?topics=events', { 'last-event-id': lastEventId });
    for (let n = 0; n < 10; n++) await say(`pump-${n}`, `c${n}`);
    await second.events.count(1_310);
    expect(new Set(second.ids).size).toBe(1_310);
    expect(second.ids.every((id) => id.startsWith('b') || id.startsWith('c'))).toBe(true);
    expect(second.ids).toHaveLength(1_310);
  });

  it('goes on from where it stood, though nothing had come until then', async () => {
    const first = await StreamOfEvents.of('?topics=alerts,events&device=pump-1');
    const { lastEventId } = first;
    first.close();
    await say('pump-1', 'missed', 'fieldgate.alerts.v1');
    const second = await StreamOfEvents.of('?topics=alerts,events&device=pump-1', {
      'last-event-id': lastEventId,
    });
    await second.events.count(1);
    expect(second.ids).toEqual(['missed']);
  });

  it('has all of a partition that is newer than the id', async () => {
    for (let n = 0; n < 10; n++) await say(`pump-${n}`, String(n));
    const stream = await StreamOfEvents.of('?topics=events,alerts&lastEventId=e:0'); // the log has three
    await stream.events.count(10);
    expect(new Set(stream.ids).size).toBe(10);
  });

  it('keeps a client that has megabytes to catch up with', async () => {
    const value = Buffer.from(JSON.stringify({ subject: 'pump-1', id: 'big', data: 'x'.repeat(20_000) }));
    const record = { topic: 'fieldgate.events.v1', key: 'pump-1', value } as const;
    await Promise.all(Array.from({ length: 1_000 }, () => appended(api.log.writer, record)));
    const stream = await StreamOfEvents.of('?topics=events&lastEventId=e:0.0.0');
    await stream.events.count(1_000);
    expect(await dropped('slow')).toBe(0);
  });

  it('takes the id in the query from clients that can not send headers', async () => {
    const first = await StreamOfEvents.of('?topics=events');
    await say('pump-1', '1');
    await first.events.count(1);
    await say('pump-1', '2');
    const second = await StreamOfEvents.of(
      `?topics=events&lastEventId=${encodeURIComponent(first.lastEventId)}`,
    );
    await second.events.count(1);
    expect(second.ids).toEqual(['2']);
  });

  it('drops a client that does not read, and no other', async () => {
    const reader = await StreamOfEvents.of('?topics=events');
    const deaf = connect(Number(new URL(api.url).port), '127.0.0.1');
    deaf.on('error', () => undefined);
    const ended = once(deaf, 'close');
    deaf.write(
      `GET /v1/stream?topics=events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\n\r\n`,
    );
    await once(deaf, 'data'); // it is served
    deaf.pause();
    const big = Buffer.from(JSON.stringify({ subject: 'pump-1', id: 'big', data: 'x'.repeat(200_000) }));
    for (let n = 0; n < 100; n++)
      await appended(api.log.writer, { topic: 'fieldgate.events.v1', key: 'pump-1', value: big });
    await reader.events.count(100);
    deaf.resume();
    await ended;
    expect(await dropped('slow')).toBe(1);
    expect(reader.answer.destroyed).toBe(false);
  });

  it('ends with the process, so that clients go elsewhere', async () => {
    const stream = await StreamOfEvents.of('');
    const ended = once(stream.answer, 'end');
    await api.stop();
    await ended;
    expect(await dropped('stopping')).toBe(0); // it has read to the end
  });

  it.each(['topics=nonsense', 'device=-', 'label=1', 'lastEventId=x', 'unknown=1'])(
    'refuses %s',
    async (query) => {
      expect(await api.call(`GET /v1/stream?${query}`)).toMatchObject({ status: 422 });
    },
  );

  it('needs the key', async () => {
    const answer = await api.call('GET /v1/stream', undefined, { authorization: 'Bearer wrong' });
    expect(answer.status).toBe(401);
  });

  it('says what is no longer kept', async () => {
    await api.stop();
    api = await (await new ApiUnderTest(keptFrom(3)).start()).ready();
    for (let n = 0; n < 5; n++) await say('pump-1', String(n));
    const stream = await StreamOfEvents.of('?topics=events&lastEventId=e:0');
    await stream.events.count(3);
    expect(stream.events.all[0]).toMatchObject({ event: 'gap', data: { partition: 0, from: 0, to: 3 } });
    expect(stream.ids.slice(1)).toEqual(['3', '4']);
  });
});

/** A log whose only partition of events begins later than it did. */
function keptFrom(earliest: number): MemoryLog {
  const log = createMemoryLog({ partitions: 1, clock: api.clock });
  const reader = Object.create(log.reader) as LogReader; // all else is the reader's own
  reader.bounds = async (topic) => {
    const [{ partition, end } = { partition: 0, end: 0 }] = await log.reader.bounds(topic);
    return [{ partition, earliest: topic === 'fieldgate.events.v1' ? earliest : 0, end }];
  };
  return { ...log, reader };
}

async function dropped(reason: string): Promise<number> {
  const metric = await register.getSingleMetric('fieldgate_stream_dropped_clients_total')?.get();
  return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}
