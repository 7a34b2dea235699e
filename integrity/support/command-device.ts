import { Inbox } from '@fieldgate/commit-log/testing';
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt';

export type MqttVersion = 4 | 5;

/** A request as a device sees it. */
export interface CommandRequest {
  readonly commandId: string;
  readonly name: string;
  readonly params: unknown;
  /** MQTT 5 only. */
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
}

export interface CommandDeviceOptions {
  readonly port: number;
  readonly id: string;
  readonly secret: string;
  readonly version: MqttVersion;
  readonly subscribe?: boolean;
}

/** A device on a client of the field (MQTT.js), which answers commands the way of its version: MQTT 5 by response topic and correlation data, 3.1.1 by topic. */
export class CommandDevice {
  readonly requests = new Inbox<CommandRequest>();

  private constructor(
    private readonly client: MqttClient,
    private readonly options: CommandDeviceOptions,
  ) {
    client.on('message', (topic, payload, packet) => this.requests.push(requestOf(topic, payload, packet)));
    client.on('error', () => undefined); // a killed gateway; a test that needs the connection fails by itself
  }

  static async connect(options: CommandDeviceOptions): Promise<CommandDevice> {
    const { port, id, secret, version, subscribe = true } = options;
    const client = mqtt.connect({
      host: '127.0.0.1',
      port,
      protocolVersion: version,
      clientId: id,
      username: id,
      password: secret,
      clean: false,
      ...(version === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}),
      reconnectPeriod: 0,
    });
    const device = new CommandDevice(client, options);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error(`${id} was not let in`)));
    });
    if (subscribe) await client.subscribeAsync(`devices/${id}/commands/#`, { qos: 1 });
    return device;
  }

  /** Waits for the request of this command. */
  async requestOf(commandId: string): Promise<CommandRequest> {
    const seen = await this.requests.until((all) => all.some((request) => request.commandId === commandId));
    const request = seen.find((candidate) => candidate.commandId === commandId);
    if (!request) throw new Error('seen a moment ago');
    return request;
  }

  /** Resolves when the gateway has acknowledged the answer. */
  async answer(request: CommandRequest, status: number, body: unknown): Promise<void> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const { responseTopic, correlationData } = request;
    if (responseTopic === undefined || correlationData === undefined) {
      const topic = `devices/${this.options.id}/responses/${request.commandId}/${status}`;
      await this.client.publishAsync(topic, payload, { qos: 1 });
      return;
    }
    const userProperties = status === 200 ? undefined : { status: String(status) }; // without one it is 200
    await this.client.publishAsync(responseTopic, payload, {
      qos: 1,
      properties: { correlationData, ...(userProperties ? { userProperties } : {}) },
    });
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}

function requestOf(topic: string, payload: Buffer, packet: IPublishPacket): CommandRequest {
  const [, , , commandId = '', name = ''] = topic.split('/');
  const { responseTopic, correlationData } = packet.properties ?? {};
  return {
    commandId,
    name,
    params: JSON.parse(payload.toString()),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
  };
}
