import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CommandDevice } from '../../support/command-device.js';
import { metric } from '../../support/metrics.js';
import { Bystander } from '../bystander.js';
import type { FaultCase, FaultContext } from '../fault-case.js';
import { NO_FAULT } from '../proxy-fault.js';
import { Proxy } from '../proxy.js';
import { rssMb } from '../rss-watch.js';

const execute = promisify(execFile);
const CONNECTIONS = 'fieldgate_gateway_connections';
const ANSWERED_WITHIN_MS = 30_000;
const DESCRIPTORS = 256;
const NONE_LEFT = 'no file descriptor is left';
const LEFT_AGAIN = 'file descriptors are left again';
/** Together more than the socket of a device takes: 120 of 60 KB. */
const FLOOD = { commands: 120, bytes: 60_000 };

const START_MS = Date.now();
/** What each shows at a device's message n: a second further back with every message, the last one. */
const CLOCKS: readonly ((n: number) => number)[] = [
  () => 0,
  (n) => Date.UTC(2200, 0, 1) + n,
  (n) => START_MS - n * 1_000,
];

/** What devices and the way to them do wrong. */
export const deviceCases: readonly FaultCase[] = [
  {
    name: 'F40',
    title: 'PUBACKs lost on their way, eight times: devices send again with DUP',
    takesMs: 15_000,
    async run(context) {
      const { load, check, faultEnded } = context;
      for (let time = 0; time < 8; time += 1) await loseAnswers(context);
      faultEnded();
      check(
        load.devices.some(({ connects }) => connects > 1),
        'no device had to connect again',
      );
    },
  },
  {
    name: 'F41',
    title: 'clocks that stand in 1970, stand in 2200, and run backwards; PUBACKs are lost meanwhile',
    takesMs: 15_000,
    load: { clock: (n, index) => CLOCKS[index % CLOCKS.length]?.(n) ?? 0 },
    async run(context) {
      for (let time = 0; time < 4; time += 1) await loseAnswers(context);
      context.faultEnded();
    },
  },
  {
    name: 'F42',
    title: 'half-open sockets: 100 devices fall silent, keep-alive ends their connections, no other',
    takesMs: 20_000,
    async run(context) {
      const { installation, load, between, wait, reaches, check, faultEnded } = context;
      const gateway = installation.of('gateway');
      const http = await gateway.httpUrl();
      const way = await Proxy.open(await gateway.mqttPort());
      const devices = await registered(context, 100);
      const port = way.port;
      const silent = devices.map((device) => new Bystander({ ...device, port, keepAliveSeconds: 6 }));
      try {
        await reaches('100 others are in', () => silent.every(({ isIn }) => isIn), ANSWERED_WITHIN_MS);
        await wait(between(0, 1_000));
        way.halfOpen();
        const left = async (): Promise<boolean> => (await metric(http, CONNECTIONS)) === load.devices.length;
        check(!(await left()), 'the half-open connections were gone before their keep-alive');
        await reaches('keep-alive ends the half-open connections', left, ANSWERED_WITHIN_MS);
        faultEnded();
        check(
          silent.every(({ isClosed }) => !isClosed),
          'a half-open connection was told of its end',
        );
        check(
          load.devices.every(({ connects }) => connects === 1),
          'another connection was ended',
        );
      } finally {
        silent.forEach((device) => device.destroy());
        await way.stop();
      }
    },
  },
  {
    name: 'F43',
    title: `a frozen subscriber: it reads nothing while ${(FLOOD.commands * FLOOD.bytes) / 1e6} MB of commands are sent to it, and others get theirs`,
    takesMs: 25_000,
    async run(context) {
      const { installation, load, check, reaches, faultEnded } = context;
      const operator = await installation.operator();
      const gateway = installation.of('gateway');
      const port = await gateway.mqttPort();
      const [frozen, other] = await registered(context, 2);
      if (frozen === undefined || other === undefined) return;
      const bystander = new Bystander({ ...frozen, port });
      await reaches('the subscriber is in', () => bystander.isIn, ANSWERED_WITHIN_MS);
      bystander.subscribeToCommands();
      const device = await CommandDevice.connect({ ...other, port, version: 5 });
      try {
        await operator.commandReady(frozen.id);
        await operator.commandReady(other.id);
        bystander.freeze();
        const before = rssMb(gateway.pid);
        const params = { text: 'x'.repeat(FLOOD.bytes) };
        for (let sent = 0; sent < FLOOD.commands; sent += 1) {
          const { status } = await operator.command(frozen.id, 'fill', { params, timeoutSeconds: 600 });
          if (status >= 300 && status !== 429) check(false, `a command was answered with ${status}`);
          if (sent % 20 > 0) continue;
          const started = performance.now();
          const { status: answered, body } = await operator.command(other.id, 'read', { timeoutSeconds: 60 });
          if (answered >= 300) throw new Error(`a command for another device was answered with ${answered}`);
          const request = await device.requestOf(body.id);
          await device.answer(request, 200, {});
          check(
            (await operator.commandUntil(body.id, ({ state }) => state === 'succeeded')).state ===
              'succeeded',
            'another device could not answer',
          );
          check(performance.now() - started < ANSWERED_WITHIN_MS, 'another device waited for its command');
        }
        const grown = rssMb(gateway.pid) - before;
        check(grown < 150, `the gateway grew by ${grown.toFixed(0)} MB`);
        check(
          load.devices.every(({ connects }) => connects === 1),
          'a device of the load was disconnected',
        );
        faultEnded();
      } finally {
        bystander.destroy();
        await device.close();
      }
    },
  },
  {
    name: 'F44',
    title: `file descriptors exhausted: a gateway with ${DESCRIPTORS} of them, and 300 other devices that try and try`,
    takesMs: 30_000,
    load: { devices: 40 },
    async run(context) {
      const { installation, load, between, wait, reaches, check, faultEnded } = context;
      const gateway = installation.of('gateway');
      const http = await gateway.httpUrl();
      await metric(http, CONNECTIONS); // this connection is kept alive
      const port = await gateway.mqttPort();
      const said = (what: string): boolean => gateway.lines.all.some((line) => line.includes(what));
      const devices = await registered(context, 300);
      await execute('prlimit', ['--pid', String(gateway.pid), `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`]);
      const crowd = devices.map((device) => new Bystander({ ...device, port }));
      const again = setInterval(() => {
        crowd.forEach((one, index) => {
          const device = devices[index];
          if (one.isClosed && device) crowd[index] = new Bystander({ ...device, port });
        });
      }, 200);
      try {
        await reaches(
          'every other one is in or not',
          () => crowd.filter(({ isIn }) => isIn).length >= 100,
          ANSWERED_WITHIN_MS,
        );
        await wait(between(2_000, 5_000));
        check(
          crowd.some(({ isIn }) => !isIn),
          'all were let in: nothing was exhausted',
        );
        check(
          load.devices.every(({ connects }) => connects === 1),
          'a device that was in was disconnected',
        );
        const now = performance.now();
        await reaches('those that are in are served', () => load.isServedSince(now), ANSWERED_WITHIN_MS);
        await reaches('the gateway says that none is left', () => said(NONE_LEFT), ANSWERED_WITHIN_MS);
        load.devices.slice(0, 20).forEach((device) => device.drop());
        await wait(between(1_000, 3_000));
        check(gateway.isRunning, 'the gateway has ended');
      } finally {
        clearInterval(again);
        crowd.forEach((one) => one.destroy());
      }
      faultEnded();
      await reaches('the gateway says that some are left again', () => said(LEFT_AGAIN), ANSWERED_WITHIN_MS);
    },
  },
  {
    name: 'F45',
    title: 'devices that flap: 20 connections lost every 100 ms, for 10 s',
    takesMs: 25_000,
    load: { devices: 100, perSecond: 600 },
    async run({ load, random, wait, faultEnded }) {
      for (let time = 0; time < 100; time += 1) {
        for (let lost = 0; lost < 20; lost += 1)
          load.devices[Math.floor(random() * load.devices.length)]?.drop();
        await wait(100);
      }
      faultEnded();
    },
  },
];

/** At least one, and its connection with it. */
async function loseAnswers({ doors, load, wait, between, reaches }: FaultContext): Promise<void> {
  const door = doors.get('gateway');
  if (door === undefined) return;
  await wait(between(100, 800));
  const lost = door.answerLost();
  await door.set({ kind: 'lose answers' });
  await lost;
  await door.set(NO_FAULT);
  const mended = performance.now();
  await reaches('every device is served again', () => load.isServedSince(mended), ANSWERED_WITHIN_MS);
}

/** Devices beside the load. */
async function registered(
  { installation, load }: FaultContext,
  count: number,
): Promise<readonly { readonly id: string; readonly secret: string }[]> {
  const [first] = load.registrations();
  const devices = Array.from({ length: count }, (_, index) => {
    return { id: `beside-${first?.id}-${index}`, secret: `secret-beside-${first?.secret}` };
  });
  await (await installation.operator()).register(devices);
  return devices;
}
