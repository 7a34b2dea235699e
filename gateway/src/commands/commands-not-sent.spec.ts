import { expect, it } from '@jest/globals';
import { CommandsView, LogTable } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { sessionRecordSchema, tableRows } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import type { DeviceLink, DeviceSession, OutboundCommand } from '../sessions/device-session.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { requestCommand } from '../testing/given-command.js';
import { atEndOfTest, givenGateway } from '../testing/given-gateway.js';
import { logHolds } from '../testing/log-holds.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf } from '../testing/test-gateway.js';
import { DeliverCommands } from './deliver-commands.js';

const COMMANDS = 'fieldgate.commands.v1';
const FILTER = 'devices/pump-7/commands/#';

async function stepsIn(log: MemoryLog): Promise<readonly { step: string; detail?: string }[]> {
  return (await recordsOf(log, COMMANDS)).map(
    ({ json }) => json['data'] as { step: string; detail?: string },
  ); // as the gateway writes them
}

it.each([
  [100, 'undeliverable'],
  [170, '"sent"'],
])('with a Maximum Packet Size of %i the request is %s', async (maximumPacketSize, words) => {
  const { log, gateway } = await givenGateway();
  const client = await PacketClient.open(gateway.port, {
    protocolVersion: 5,
    properties: { maximumPacketSize },
  });
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: FILTER, qos: 1 }] });
  expect(await client.next()).toMatchObject({ cmd: 'suback' });
  await requestCommand(log);
  await logHolds(log, COMMANDS, words);
  client.destroy();
});

it('a request above the Maximum Packet Size of the device is never called sent, and says why', async () => {
  const { log, deliverTo } = await givenDelivery();
  await deliverTo({ fits: () => false });
  await logHolds(log, COMMANDS, '"undeliverable"');
  expect(await stepsIn(log)).toMatchObject([
    { step: 'requested' },
    { step: 'undeliverable', detail: 'the request is larger than the Maximum Packet Size of the device' },
  ]);
});

it.each([
  ['too-large', 'never sent: the request is larger than the Maximum Packet Size of the device'],
  ['queue-full', 'never sent: too much waits for the device'],
  ['expired', 'never sent: earlier messages for the device took too long'],
] as const)('a request that the edge drops as %s is over at once, and says why', async (why, detail) => {
  const { log, deliverTo } = await givenDelivery();
  await deliverTo({
    send: ({ dropped }: OutboundCommand) => {
      dropped(why);
      return true;
    },
  });
  await logHolds(log, COMMANDS, '"timed-out"');
  expect((await stepsIn(log)).at(-1)).toMatchObject({ step: 'timed-out', detail });
});

it('a request beyond 64 unanswered ones is undeliverable', async () => {
  const { log, deliverTo } = await givenDelivery();
  await deliverTo({});
  for (let n = 2; n <= 64; n += 1) await requestCommand(log, `c-${n}`);
  await logHolds(log, COMMANDS, '"sent"', 64);
  await requestCommand(log, 'c-65');
  await logHolds(log, COMMANDS, '"undeliverable"');
  expect((await stepsIn(log)).filter(({ step }) => step === 'undeliverable')).toMatchObject([
    { commandId: 'c-65', detail: 'the device has 64 unanswered commands' },
  ]);
});

/** What takes commands to devices, and a device that is connected and subscribed, with a link of the test's. */
async function givenDelivery() {
  const log = createMemoryLog();
  await log.start();
  const failed = (error: unknown): never => {
    throw error;
  };
  const supervision = { failed, unreadable: failed };
  const table = new LogTable(
    log.reader,
    'fieldgate.sessions.v1',
    tableRows('fieldgate.sessions.v1', sessionRecordSchema),
    supervision,
  );
  const commands = new CommandsView(log.reader, supervision);
  const gateway = { gatewayId: 'gw-1', boot: 'b' };
  const clock = { now: () => Date.now() };
  const logger = createLogger({ level: 'silent' });
  const registry = new SessionRegistry(gateway, log, table, clock, logger);
  await Promise.all([table.start(), commands.start()]);
  atEndOfTest(() => Promise.all([table.stop(), commands.stop()]));
  registry.start();
  new DeliverCommands(gateway, commands, registry, log.writer, clock, logger).start();
  const deliverTo = async (link: Partial<DeviceLink>): Promise<void> => {
    await registry.connected(sessionWith(link));
    await requestCommand(log);
  };
  return { log, deliverTo };
}

function sessionWith(link: Partial<DeviceLink>): DeviceSession {
  return {
    deviceId: 'pump-7',
    connection: 'one',
    link: {
      close: () => true,
      send: () => true,
      fits: () => true,
      oldestUnsettled: undefined,
      unsettled: 0,
      ...link,
    },
    registration: { creationId: 'c', secretVersion: 1 },
    protocol: '5',
    connectedAt: Date.now(),
    keepAliveSeconds: 60,
    topicPrefix: 'devices/pump-7/',
    resumed: false,
    expirySeconds: 3_600,
    will: undefined,
    subscriptions: [{ filter: FILTER, qos: 1 }],
    standing: 'unread',
    closed: false,
  };
}
