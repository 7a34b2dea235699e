import { hostname } from 'node:os';
import { env } from '@fieldgate/service';

/** The gateway's part of the environment; the process that composes the roles spreads it into its own schema. */
export const gatewayEnvironment = {
  /** `0.0.0.0` lets real devices in. */
  FIELDGATE_MQTT_HOST: env.text().default('127.0.0.1'),
  FIELDGATE_MQTT_PORT: env.port().default(1883),
  /** Must differ between gateways that share a Kafka. */
  FIELDGATE_GATEWAY_ID: env
    .text()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits or . _ -')
    .default(
      () =>
        hostname()
          .replace(/[^A-Za-z0-9._-]/g, '-')
          .replace(/^[^A-Za-z0-9]+/, '')
          .slice(0, 64) || 'gateway',
    ),
  /** Of one MQTT packet, in bytes. */
  FIELDGATE_MQTT_MAX_PACKET_BYTES: env.integer(1024, 1_000_000).default(131_072),
  FIELDGATE_MQTT_MAX_CONNECTIONS: env.integer(1, 1_000_000).default(20_000),
};

export interface GatewayConfig {
  readonly mqttHost: string;
  readonly mqttPort: number;
  readonly gatewayId: string;
  readonly maxPacketBytes: number;
  readonly maxConnections: number;
  /** How long a PUBLISH may wait for the log before its connection is closed without an acknowledgement, ms. */
  readonly holdMs: number;
}

export const GATEWAY_CONFIG = Symbol('GatewayConfig');

export function gatewayConfigFrom(environment: {
  readonly FIELDGATE_MQTT_HOST: string;
  readonly FIELDGATE_MQTT_PORT: number;
  readonly FIELDGATE_GATEWAY_ID: string;
  readonly FIELDGATE_MQTT_MAX_PACKET_BYTES: number;
  readonly FIELDGATE_MQTT_MAX_CONNECTIONS: number;
}): GatewayConfig {
  return {
    mqttHost: environment.FIELDGATE_MQTT_HOST,
    mqttPort: environment.FIELDGATE_MQTT_PORT,
    gatewayId: environment.FIELDGATE_GATEWAY_ID,
    maxPacketBytes: environment.FIELDGATE_MQTT_MAX_PACKET_BYTES,
    maxConnections: environment.FIELDGATE_MQTT_MAX_CONNECTIONS,
    holdMs: 10_000,
  };
}
