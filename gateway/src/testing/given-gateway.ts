import { afterEach } from '@jest/globals';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { GatewayConfig } from '../gateway.config.js';
import { register, startGateway, type TestGateway } from './test-gateway.js';

export const V5 = { protocolVersion: 5 } as const;
export const V3 = { protocolVersion: 4 } as const;
export const SECRET = 'pump-secret-0123456789';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export function atEndOfTest(close: () => Promise<unknown>): void {
  closing.push(close);
}

export async function gatewayWith(
  log: MemoryLog,
  options: Partial<GatewayConfig> = {},
): Promise<TestGateway> {
  const gateway = await startGateway(log, options);
  atEndOfTest(() => gateway.stop());
  return gateway;
}

/** A gateway on a log in memory, with the device `pump-7` registered. */
export async function givenGateway(): Promise<{ log: MemoryLog; gateway: TestGateway }> {
  const log = createMemoryLog({ partitions: 2 });
  await log.start();
  await register(log, 'pump-7', SECRET);
  return { log, gateway: await gatewayWith(log) };
}

export function optionsOf(gateway: TestGateway, more: IClientOptions): IClientOptions {
  const identity = { username: 'pump-7', password: SECRET, clientId: 'pump-7' };
  return { host: '127.0.0.1', port: gateway.port, ...identity, reconnectPeriod: 0, ...more };
}

export async function device(gateway: TestGateway, more: IClientOptions = V5): Promise<MqttClient> {
  const client = await connectAsync(optionsOf(gateway, more));
  client.on('error', () => undefined); // a connection that the test breaks
  atEndOfTest(() => client.endAsync(true));
  return client;
}

/** `events.once` for an emitter with types of its own. */
export function happens(
  client: MqttClient,
  event: 'close' | 'connect' | 'error' | 'message',
): Promise<unknown[]> {
  return new Promise((resolve) => client.once(event as 'close', (...values: unknown[]) => resolve(values))); // any of them: the test names what it gets
}
