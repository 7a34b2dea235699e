import { createServer, type Socket } from 'node:net';
import {
  Connection,
  DEFAULT_LIMITS,
  ReasonCode,
  SessionState,
  type ConnectionHandler,
  type ConnectPacket,
  type PublishPacket,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@fieldgate/mqtt-edge';
import { NoLog, recordPrefix } from '../edge/no-log.js';
import { reportWhenAsked } from './self-report.js';

// node edge-alone.js
//
// The MQTT edge without a gateway and without a log: lets everybody in and acknowledges what each sends to its own topic.

const TICK_MS = 1_000;

class Client implements ConnectionHandler {
  readonly connection: Connection;
  private topic = '';
  private prefix = '';

  constructor(socket: Socket) {
    this.connection = new Connection(socket, DEFAULT_LIMITS, this, () => performance.now());
  }

  connect({ clientId }: ConnectPacket): void {
    this.topic = `devices/${clientId}/telemetry`;
    this.prefix = recordPrefix(clientId);
    this.connection.accept({ session: new SessionState(DEFAULT_LIMITS), sessionPresent: false });
  }

  publish(message: PublishPacket, topic: string, delivery: number): void {
    if (topic !== this.topic) return void this.connection.close(ReasonCode.notAuthorized);
    log.append(this.prefix, message.payload.toString(), this, delivery);
  }

  subscribe({ packetId, subscriptions }: SubscribePacket): void {
    this.connection.suback(
      packetId,
      subscriptions.map(() => ReasonCode.notAuthorized),
    );
  }

  unsubscribe({ packetId, filters }: UnsubscribePacket): void {
    this.connection.unsuback(
      packetId,
      filters.map(() => ReasonCode.noSubscriptionExisted),
    );
  }

  closed(): void {
    clients.delete(this);
  }
}

const clients = new Set<Client>();
const log = new NoLog<Client>((owners, deliveries) => {
  for (const [index, { connection }] of owners.entries()) connection.settle(deliveries[index] ?? 0);
});

const server = createServer({ noDelay: true }, (socket) => clients.add(new Client(socket)));
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  process.stdout.write(`${JSON.stringify({ msg: 'ready', ports: { mqtt: port } })}\n`);
});
setInterval(() => {
  for (const { connection } of clients) connection.tick();
}, TICK_MS);
process.once('SIGTERM', () => process.exit(0));
reportWhenAsked();
