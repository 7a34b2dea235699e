import type { Duplex } from 'node:stream';
import type {
  ConnectPacket,
  ProtocolVersion,
  PublishPacket,
  SubscribePacket,
  UnsubscribePacket,
} from '../codec/packet.js';
import type { ReasonCode } from '../codec/reason-codes.js';
import { Connection } from '../connection/connection.js';
import type { Acceptance, ConnectionEnd, ConnectionHandler } from '../connection/connection-handler.js';
import { DEFAULT_LIMITS, type Limits } from '../connection/limits.js';
import { SessionState } from '../connection/session-state.js';
import { aConnect } from './packets.js';
import { aClient, turns, type TestClient } from './test-client.js';

export interface Arrived {
  readonly message: PublishPacket;
  readonly topic: string;
  readonly delivery: number;
}

export interface Settings {
  readonly limits?: Partial<Limits>;
  readonly version?: ProtocolVersion;
  /** Instead of one to `client`. */
  readonly stream?: Duplex;
  /** Of an earlier connection. */
  readonly session?: SessionState;
  readonly acceptance?: Partial<Acceptance>;
  /** Default true: CONNECT is accepted at once. */
  readonly accepts?: boolean;
  /** Default true: each message is settled at once. */
  readonly settles?: boolean;
}

/** A connection, its client, and everything that the connection has told who stands behind it. */
export class GivenConnection implements ConnectionHandler {
  readonly connection: Connection;
  readonly client: TestClient;
  readonly session: SessionState;
  readonly limits: Limits;
  now = 1_000_000;
  readonly connects: ConnectPacket[] = [];
  readonly arrived: Arrived[] = [];
  readonly subscribes: SubscribePacket[] = [];
  readonly unsubscribes: UnsubscribePacket[] = [];
  readonly ends: ConnectionEnd[] = [];
  readonly version: ProtocolVersion;

  constructor(private readonly settings: Settings = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...settings.limits };
    this.version = settings.version ?? 5;
    this.session = settings.session ?? new SessionState(this.limits);
    const { client, stream: near } = aClient(this.version);
    this.client = client;
    this.connection = new Connection(settings.stream ?? near, this.limits, this, () => this.now);
  }

  connect(packet: ConnectPacket): void {
    this.connects.push(packet);
    if (this.settings.accepts !== false) this.accept();
  }

  accept(): void {
    this.connection.accept({ session: this.session, sessionPresent: false, ...this.settings.acceptance });
  }

  publish(message: PublishPacket, topic: string, delivery: number): void {
    this.arrived.push({ message, topic, delivery });
    if (delivery >= 0 && this.settings.settles !== false) this.connection.settle(delivery);
  }

  subscribe(packet: SubscribePacket): void {
    this.subscribes.push(packet);
  }

  unsubscribe(packet: UnsubscribePacket): void {
    this.unsubscribes.push(packet);
  }

  closed(end: ConnectionEnd): void {
    this.ends.push(end);
  }

  settle(index: number, reasonCode?: ReasonCode, reason?: string): void {
    this.connection.settle(this.arrived[index]?.delivery ?? -1, reasonCode, reason);
  }

  /** Lets time go by, and the connection look at the clock. */
  async later(ms: number): Promise<void> {
    this.now += ms;
    this.connection.tick();
    await turns();
  }
}

/** One that has been accepted, and whose CONNACK has been read. */
export async function anOpenConnection(
  settings: Settings & { readonly connect?: Partial<ConnectPacket> } = {},
): Promise<GivenConnection> {
  const given = new GivenConnection(settings);
  given.client.send(aConnect({ version: given.version, ...settings.connect }));
  await given.client.take(2);
  return given;
}
