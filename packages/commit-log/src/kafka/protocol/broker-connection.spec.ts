import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { metadataV12 } from '@platformatic/kafka';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { BrokerConnection } from './broker-connection.js';

const TIMEOUT_MS = 100;
/** More than are sent before the first is answered. */
const REQUESTS = 20;

describe('a connection to a broker that does not answer', () => {
  const sockets: Socket[] = [];
  let broker: Server;
  let connection: BrokerConnection;

  beforeEach(async () => {
    broker = createServer((socket) => sockets.push(socket.resume()));
    broker.listen(0, '127.0.0.1');
    await once(broker, 'listening');
    const { port } = broker.address() as AddressInfo; // it listens on TCP
    connection = await BrokerConnection.open('test', { host: '127.0.0.1', port }, TIMEOUT_MS);
  });

  afterEach(async () => {
    connection.destroy();
    for (const socket of sockets.splice(0)) socket.destroy();
    broker.close();
    await once(broker, 'close');
  });

  it('fails every request once, also those that wait behind others and those that come while it closes', async () => {
    const outcomes: string[] = [];
    const keepAsking = async (): Promise<void> => {
      while (connection.usable)
        await ask(connection).then(
          () => outcomes.push('answered'),
          () => outcomes.push('failed'),
        );
    };
    await Promise.all(Array.from({ length: REQUESTS }, keepAsking));
    expect(new Set(outcomes)).toEqual(new Set(['failed']));
    expect(outcomes.length).toBeGreaterThanOrEqual(REQUESTS);
  });

  it('says how long it has waited', async () => {
    await expect(ask(connection)).rejects.toMatchObject({
      code: 'log-unavailable',
      message: `no answer within ${TIMEOUT_MS} ms`,
    });
  });
});

function ask(connection: BrokerConnection): Promise<unknown> {
  return connection.ask(metadataV12.api, [], false, false);
}
