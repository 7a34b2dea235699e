import { beforeEach, describe, expect, it } from '@jest/globals';
import { answersTo, COMMAND_NAMES, type CommandAnswer, type CommandTarget } from './command-behaviour.js';
import { CommandResponder } from './command-responder.js';

class FakeDevice implements CommandTarget {
  intervalMs = 1_000;
  reboots = 0;
  pauses: number[] = [];
  on = true;

  setInterval(ms: number): void {
    this.intervalMs = ms;
  }
  config(): Readonly<Record<string, unknown>> {
    return { id: 'sim-001', intervalMs: this.intervalMs };
  }
  reboot(): void {
    this.reboots++;
  }
  pause(ms: number): Promise<boolean> {
    this.pauses.push(ms);
    return Promise.resolve(this.on);
  }
  now(): number {
    return 42;
  }
}

let device: FakeDevice;
beforeEach(() => {
  device = new FakeDevice();
});

async function answers(name: string, params?: unknown): Promise<CommandAnswer[]> {
  const all: CommandAnswer[] = [];
  for await (const answer of answersTo({ commandId: 'c1', name, params }, device)) all.push(answer);
  return all;
}

describe('a command to a simulated device', () => {
  it('ping', async () => {
    expect(await answers('ping')).toEqual([{ status: 200, body: { pong: true, at: 42 } }]);
  });

  it('read-config', async () => {
    expect(await answers('read-config')).toEqual([
      { status: 200, body: { id: 'sim-001', intervalMs: 1_000 } },
    ]);
  });

  it.each([
    [{ intervalMs: 250 }, 250],
    [{ seconds: 5 }, 5_000],
  ])('set-interval with %j really sets it', async (params, intervalMs) => {
    expect(await answers('set-interval', params)).toEqual([
      { status: 200, body: { intervalMs, before: 1_000 } },
    ]);
    expect(device.intervalMs).toBe(intervalMs);
  });

  it.each([
    undefined,
    null,
    5,
    'fast',
    [],
    {},
    { intervalMs: '5' },
    { intervalMs: 9 },
    { intervalMs: 3_600_001 },
    { seconds: -1 },
  ])('set-interval refuses %j', async (params) => {
    expect(await answers('set-interval', params)).toMatchObject([{ status: 400 }]);
    expect(device.intervalMs).toBe(1_000);
  });

  it('slow reports progress in between', async () => {
    const all = await answers('slow', { seconds: 4, steps: 4 });
    expect(all.map(({ status }) => status)).toEqual([102, 102, 102, 200]);
    expect(all[0]).toEqual({ status: 102, body: { progress: 25 } });
    expect(device.pauses).toEqual([1_000, 1_000, 1_000, 1_000]);
  });

  it('slow stays bounded whatever is asked', async () => {
    expect(await answers('slow', { seconds: 1e9, steps: 1e9 })).toHaveLength(50);
    expect(device.pauses.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(300_000);
  });

  it('reboot goes only after its answer', async () => {
    const seen: [number, number][] = [];
    for await (const { status } of answersTo({ commandId: 'c1', name: 'reboot', params: undefined }, device))
      seen.push([status, device.reboots]);
    expect(seen).toEqual([
      [102, 0],
      [102, 0],
      [200, 0],
    ]);
    expect(device.reboots).toBe(1);
  });

  it('ends without a word when the device is switched off meanwhile', async () => {
    device.on = false;
    expect(await answers('slow')).toEqual([]);
    expect((await answers('reboot')).map(({ status }) => status)).toEqual([102]);
    expect(device.reboots).toBe(0);
  });

  it('fail, refuse, never', async () => {
    expect(await answers('fail')).toMatchObject([{ status: 500 }]);
    expect(await answers('refuse')).toMatchObject([{ status: 400 }]);
    expect(await answers('never')).toEqual([]);
  });

  it.each(['self-destruct', 'constructor', '__proto__'])(
    '"%s" is unknown: 404 with what is known',
    async (name) => {
      expect(await answers(name)).toEqual([
        { status: 404, body: { error: 'this device has no such command', known: COMMAND_NAMES } },
      ]);
    },
  );
});

describe('CommandResponder', () => {
  const said: { topic: string; payload: string; options: unknown }[] = [];
  let responder: CommandResponder;
  beforeEach(() => {
    said.length = 0;
    responder = new CommandResponder('sim-001', device, (topic, payload, options) => {
      said.push({ topic, payload, options });
      return Promise.resolve();
    });
  });
  const topic = 'devices/sim-001/commands/c1/ping';
  const none = Buffer.alloc(0);

  it('answers 3.1.1 with id and status in the topic', async () => {
    expect(await responder.receive(topic, none, undefined)).toBe(true);
    expect(said).toEqual([
      { topic: 'devices/sim-001/responses/c1/200', payload: '{"pong":true,"at":42}', options: { qos: 1 } },
    ]);
  });

  it('answers MQTT 5 where the request says, with its correlation data and the status beside it', async () => {
    const correlationData = Buffer.from('c1');
    await responder.receive(topic, none, { responseTopic: 'devices/sim-001/responses/c1', correlationData });
    expect(said).toMatchObject([
      {
        topic: 'devices/sim-001/responses/c1',
        options: { qos: 1, properties: { correlationData, userProperties: { status: '200' } } },
      },
    ]);
  });

  it('does a command once and says its answer again when it is delivered again', async () => {
    const reboot = 'devices/sim-001/commands/c2/reboot';
    await responder.receive(reboot, none, undefined);
    await responder.receive(reboot, none, undefined);
    expect(device.reboots).toBe(1);
    expect(said.map((answer) => answer.topic.slice(-3))).toEqual(['102', '102', '200', '200']);
  });

  it('takes parameters as JSON, and text that is none as text', async () => {
    const setInterval = 'devices/sim-001/commands/c3/set-interval';
    await responder.receive(setInterval, Buffer.from('{"intervalMs":20}'), undefined);
    expect(device.intervalMs).toBe(20);
    await responder.receive(setInterval.replace('c3', 'c4'), Buffer.from('{"intervalMs":'), undefined);
    expect(said.at(-1)?.topic).toBe('devices/sim-001/responses/c4/400');
  });

  it.each([
    'devices/sim-002/commands/c1/ping',
    'devices/sim-001/commands/c1',
    'devices/sim-001/commands//ping',
    'devices/sim-001/commands/c1/ping/x',
    'x',
  ])('leaves other topics alone: %s', async (other) => {
    expect(await responder.receive(other, none, undefined)).toBe(false);
    expect(said).toEqual([]);
  });

  it('says 503 when it is busy with 16 commands', async () => {
    const topics: string[] = [];
    const busy = new CommandResponder('sim-001', device, (answered) => {
      topics.push(answered);
      return answered.endsWith('/503') ? Promise.resolve() : new Promise(() => undefined); // else never acknowledged
    });
    for (let index = 0; index < 16; index++)
      void busy.receive(`devices/sim-001/commands/h${index}/ping`, none, undefined);
    await busy.receive('devices/sim-001/commands/h16/ping', none, undefined);
    expect(topics).toContain('devices/sim-001/responses/h16/503');
    expect(topics.filter((answered) => answered.endsWith('/503'))).toHaveLength(1);
  });
});
