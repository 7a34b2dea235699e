import { Socket } from 'node:net';
import {
  connect,
  type IClientOptions,
  type IClientPublishOptions,
  type IPublishPacket,
  type MqttClient,
} from 'mqtt';
import { between, type Random } from './random.js';

export interface DeviceIdentity {
  readonly id: string;
  readonly secret: string;
  readonly protocol: '3.1.1' | '5';
}

export interface SessionListener {
  /** Connected, and subscribed to its commands; `first` once in a session object's life. */
  connected(first: boolean): void;
  message(topic: string, payload: Uint8Array, properties: IPublishPacket['properties']): void;
  problem(sentence: string | undefined): void;
}

const SESSION_EXPIRY_SECONDS = 3_600;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const SUBSCRIPTION_REFUSED = 0x80;

/**
 * A device's MQTT session: kept through every loss of the connection. What is not acknowledged is sent again by the MQTT client's own store;
 * whoever publishes bounds how much that is.
 */
export class DeviceSession {
  /** The gateway said Session Present = 0 to a device that had a session. */
  lost = 0;

  private client: MqttClient | undefined;
  private connects = 0;
  private failedConnects = 0;
  /** What the client has given back unsent when its connection ended: goes out with the next one. */
  private readonly givenBack = new Set<() => void>();

  constructor(
    private readonly identity: DeviceIdentity,
    private readonly url: string,
    private readonly random: Random,
    private readonly listener: SessionListener,
  ) {}

  get connected(): boolean {
    return this.client?.connected ?? false;
  }

  start(): void {
    if (this.client) return;
    const client = connect(this.url, this.connectOptions());
    this.client = client;
    client.on('connect', ({ sessionPresent }) => {
      // an answer right behind its PUBACK would else wait 40 ms: Nagle here against the delayed ACK over there
      if (client.stream instanceof Socket) client.stream.setNoDelay(true);
      this.onConnect(client, sessionPresent);
    });
    client.on('reconnect', () => {
      this.failedConnects++;
      client.options.reconnectPeriod = this.retryMs(); // for the next time
    });
    client.on('error', (error) => this.listener.problem(error.message));
    client.on('message', (topic, payload, { properties }) =>
      this.listener.message(topic, payload, properties),
    );
  }

  /** `settle` is called once: with nothing when the gateway has acknowledged, with the error when it has refused for good. */
  publish(
    topic: string,
    payload: string,
    options: IClientPublishOptions,
    settle: (refusal?: Error) => void,
  ): void {
    this.client?.publish(topic, payload, options, (error) => {
      if (!error) return settle();
      if (isRefusal(error)) return settle(error);
      this.givenBack.add(() => this.publish(topic, payload, options, settle));
    });
  }

  /** As when the power goes: no DISCONNECT. The client comes back by itself. */
  drop(): void {
    this.client?.stream.destroy();
  }

  /** Says goodbye; `force` without waiting for acknowledgements. */
  async end(force: boolean): Promise<void> {
    await this.client?.endAsync(force || !this.connected);
  }

  private connectOptions(): IClientOptions {
    const { id, secret, protocol } = this.identity;
    return {
      clientId: id,
      username: id,
      password: secret,
      protocolVersion: protocol === '5' ? 5 : 4,
      clean: false,
      keepalive: 30,
      connectTimeout: 10_000,
      reconnectPeriod: this.retryMs(),
      reconnectOnConnackError: true,
      resubscribe: false, // done below, where it is seen what the gateway grants
      ...(protocol === '5' ? { properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS } } : {}),
    };
  }

  /** Half a second, doubling, and each time up to as much again by chance: a fleet must not come back in one moment. */
  private retryMs(): number {
    const least = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.failedConnects, 10));
    return Math.round(between(this.random, least, 2 * least));
  }

  private onConnect(client: MqttClient, sessionPresent: boolean): void {
    const first = this.connects++ === 0;
    this.failedConnects = 0;
    client.options.reconnectPeriod = this.retryMs();
    this.listener.problem(undefined);
    const again = [...this.givenBack];
    this.givenBack.clear();
    for (const publish of again) publish();
    if (!first && !sessionPresent) this.lost++;
    if (first || !sessionPresent) this.subscribe(client, first);
    else this.listener.connected(false);
  }

  private subscribe(client: MqttClient, first: boolean): void {
    client.subscribe(`devices/${this.identity.id}/commands/#`, { qos: 1 }, (error, granted) => {
      if (error) this.listener.problem(`subscribe: ${error.message}`);
      else if (granted?.some(({ qos }) => qos >= SUBSCRIPTION_REFUSED))
        this.listener.problem('subscribe: refused');
      this.listener.connected(first); // it can report, whatever became of the subscription
    });
  }
}

/** The PUBACK carried a reason code from 0x80; every other error is about the connection. */
function isRefusal(error: Error): boolean {
  return 'code' in error && typeof error.code === 'number' && error.code >= 0x80;
}
