import type { AddressInfo } from 'node:net';
import type { Logger, RepeatedLines } from '@fieldgate/service';
import type { GatewayConfig } from '../gateway.config.js';
import { CONNECT_PACKET_BYTES } from '../connections/connect-packet-bytes.js';
import type { Accept } from './accept.js';
import { Certificate } from './certificate.js';
import { DescriptorWatch } from './descriptor-watch.js';
import { DoorLines } from './door-lines.js';
import type { Endpoint, Listener } from './listening.js';
import { TcpListener } from './tcp-listener.js';
import { TlsListener } from './tls-listener.js';
import { WebSocketListener } from './websocket-listener.js';

/** A frame may hold several packets, and an MQTT packet may be cut into many ([MQTT-6.0.0-2]). */
const FRAME_PACKETS = 4;
/** A CONNECT, and what a client sends with it that does not wait for the CONNACK. */
const CONNECT_FRAME_PACKETS = 2;

/** All ports of the configuration. */
export class Listeners {
  private readonly certificate: Certificate | undefined;
  private readonly descriptors: DescriptorWatch;
  private readonly all: readonly Listener[];

  /** Throws `config-invalid` when the certificate cannot be used. `failed` hears of a listener that breaks after the start. */
  constructor(
    config: GatewayConfig,
    failed: (name: string, error: Error) => void,
    accept: Accept,
    private readonly log: { readonly logger: Logger; readonly repeated: RepeatedLines },
  ) {
    const lines = new DoorLines(log.repeated);
    this.certificate = config.certificate && new Certificate(config.certificate, log.logger);
    this.descriptors = new DescriptorWatch(log.logger);
    const broken = (error: Error): void => failed('mqtt listener', error);
    const { certificate } = this;
    const frames = {
      lines,
      connectFrameBytes: CONNECT_FRAME_PACKETS * CONNECT_PACKET_BYTES,
      maximumFrameBytes: FRAME_PACKETS * config.maxPacketBytes,
    };
    const at = (port: number, portVariable: string): Endpoint => ({
      host: config.mqttHost,
      port,
      portVariable,
      maxConnections: config.maxConnections,
    });
    const all: Listener[] = [new TcpListener(at(config.mqttPort, 'FIELDGATE_MQTT_PORT'), broken, accept)];
    if (config.tlsPort !== undefined && certificate)
      all.push(
        new TlsListener(
          at(config.tlsPort, 'FIELDGATE_MQTT_TLS_PORT'),
          broken,
          { certificate, lines },
          accept,
        ),
      );
    if (config.webSocketPort !== undefined)
      all.push(
        new WebSocketListener(at(config.webSocketPort, 'FIELDGATE_MQTT_WS_PORT'), broken, frames, accept),
      );
    if (config.secureWebSocketPort !== undefined && certificate) {
      const secure = { ...frames, certificate };
      all.push(
        new WebSocketListener(
          at(config.secureWebSocketPort, 'FIELDGATE_MQTT_WSS_PORT'),
          broken,
          secure,
          accept,
        ),
      );
    }
    this.all = all;
  }

  /** Where each listens, by its scheme: `mqtt`, `mqtts`, `ws`, `wss`. */
  async start(): Promise<ReadonlyMap<string, AddressInfo>> {
    const addresses = new Map<string, AddressInfo>();
    for (const listener of this.all) {
      const address = await listener.start();
      addresses.set(listener.scheme, address);
      const { address: host, port } = address;
      this.log.logger.info({ scheme: listener.scheme, host, port }, 'mqtt listening');
    }
    this.certificate?.watch();
    this.descriptors.start();
    return addresses;
  }

  close(): void {
    this.certificate?.stop();
    this.descriptors.stop();
    for (const listener of this.all) listener.close();
  }
}
