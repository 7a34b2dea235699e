import { readFile } from 'node:fs/promises';
import { connectAsync, type IPublishPacket } from 'mqtt';
import type { OpenGateway, Scheme } from './open-gateway.js';

export interface JsDeviceOptions {
  readonly id: string;
  readonly secret: string;
  readonly version: 4 | 5;
  readonly scheme: Scheme;
}

/** A device on MQTT.js that sends one reading and answers each command with its own parameters. Returns how to end it. */
export async function startJsDevice(
  gateway: OpenGateway,
  options: JsDeviceOptions,
): Promise<() => Promise<void>> {
  const { id, secret, version, scheme } = options;
  const trusted = gateway.trustFor(scheme);
  const client = await connectAsync(`${scheme}://127.0.0.1:${gateway.portOf(scheme)}/mqtt`, {
    protocolVersion: version,
    clientId: id,
    username: id,
    password: secret,
    reconnectPeriod: 0,
    ...(trusted === undefined ? {} : { ca: await readFile(trusted) }),
  });
  const answer = async (topic: string, payload: Buffer, packet: IPublishPacket): Promise<void> => {
    const { responseTopic, correlationData } = packet.properties ?? {};
    if (version === 5 && responseTopic !== undefined && correlationData !== undefined) {
      const properties = { correlationData, userProperties: { status: '200' } };
      await client.publishAsync(responseTopic, payload, { qos: 1, properties });
    } else
      await client.publishAsync(`devices/${id}/responses/${topic.split('/')[3]}/200`, payload, { qos: 1 });
  };
  client.on('message', (topic, payload, packet) => void answer(topic, payload, packet));
  await client.subscribeAsync(`devices/${id}/commands/#`, { qos: 1 });
  await client.publishAsync(`devices/${id}/telemetry`, '{"temperature":21.5}', { qos: 1 });
  return () => client.endAsync();
}
