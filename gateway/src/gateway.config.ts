import { hostname } from 'node:os';
import { FieldgateError } from '@fieldgate/contracts';
import { env } from '@fieldgate/service';
import type { z } from 'zod';
import type { ShareLimit } from './ingest/device-share.js';

/** The gateway's part of the environment; the process that composes the roles spreads it into its own schema. */
export const gatewayEnvironment = {
  /** `0.0.0.0` lets real devices in. */
  FIELDGATE_MQTT_HOST: env.text().default('127.0.0.1'),
  FIELDGATE_MQTT_PORT: env.port().default(1883),
  /** MQTT over TLS, over WebSocket, and over a secure one. Not set: none. */
  FIELDGATE_MQTT_TLS_PORT: env.port().optional(),
  FIELDGATE_MQTT_WS_PORT: env.port().optional(),
  FIELDGATE_MQTT_WSS_PORT: env.port().optional(),
  /** PEM files, read again when they change. */
  FIELDGATE_MQTT_TLS_CERT_FILE: env.text().optional(),
  FIELDGATE_MQTT_TLS_KEY_FILE: env.text().optional(),
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
  /** Of one device, waiting for the log. */
  FIELDGATE_MQTT_MAX_INFLIGHT_RECORDS_PER_DEVICE: env.integer(1, 100_000).default(64),
  FIELDGATE_MQTT_MAX_INFLIGHT_BYTES_PER_DEVICE: env.integer(1024, 64 * 1_048_576).default(262_144),
  /** Of one device. Not set: no limit. */
  FIELDGATE_MQTT_MAX_MESSAGES_PER_SECOND: env.integer(1, 1_000_000).optional(),
};

export interface GatewayConfig {
  readonly mqttHost: string;
  readonly mqttPort: number;
  readonly tlsPort?: number;
  readonly webSocketPort?: number;
  readonly secureWebSocketPort?: number;
  /** Of the TLS and the secure WebSocket listener. */
  readonly certificate?: { readonly certFile: string; readonly keyFile: string };
  readonly gatewayId: string;
  readonly maxPacketBytes: number;
  readonly maxConnections: number;
  /** What of one device may wait for the log. */
  readonly maxInFlightPerDevice: ShareLimit;
  /** Of one device; left out: no limit. */
  readonly maxMessagesPerSecond?: number;
  /** How long a PUBLISH may wait for the log before its connection is closed without an acknowledgement, ms. */
  readonly holdMs: number;
}

export const GATEWAY_CONFIG = Symbol('GatewayConfig');

type GatewayEnvironment = z.output<z.ZodObject<typeof gatewayEnvironment>>;

/** Throws `config-invalid` when a secure port has no certificate. */
export function gatewayConfigFrom(environment: GatewayEnvironment): GatewayConfig {
  const {
    FIELDGATE_MQTT_TLS_PORT: tlsPort,
    FIELDGATE_MQTT_WS_PORT: webSocketPort,
    FIELDGATE_MQTT_WSS_PORT: secureWebSocketPort,
    FIELDGATE_MQTT_TLS_CERT_FILE: certFile,
    FIELDGATE_MQTT_TLS_KEY_FILE: keyFile,
    FIELDGATE_MQTT_MAX_MESSAGES_PER_SECOND: maxMessagesPerSecond,
  } = environment;
  const isSecure = tlsPort !== undefined || secureWebSocketPort !== undefined;
  if (isSecure && (certFile === undefined || keyFile === undefined)) {
    const variable = certFile === undefined ? 'FIELDGATE_MQTT_TLS_CERT_FILE' : 'FIELDGATE_MQTT_TLS_KEY_FILE';
    throw new FieldgateError('config-invalid', `${variable}: must name a PEM file, a secure port is set`);
  }
  return {
    mqttHost: environment.FIELDGATE_MQTT_HOST,
    mqttPort: environment.FIELDGATE_MQTT_PORT,
    ...(tlsPort === undefined ? {} : { tlsPort }),
    ...(webSocketPort === undefined ? {} : { webSocketPort }),
    ...(secureWebSocketPort === undefined ? {} : { secureWebSocketPort }),
    ...(isSecure && certFile !== undefined && keyFile !== undefined
      ? { certificate: { certFile, keyFile } }
      : {}),
    gatewayId: environment.FIELDGATE_GATEWAY_ID,
    maxPacketBytes: environment.FIELDGATE_MQTT_MAX_PACKET_BYTES,
    maxConnections: environment.FIELDGATE_MQTT_MAX_CONNECTIONS,
    maxInFlightPerDevice: {
      records: environment.FIELDGATE_MQTT_MAX_INFLIGHT_RECORDS_PER_DEVICE,
      bytes: environment.FIELDGATE_MQTT_MAX_INFLIGHT_BYTES_PER_DEVICE,
    },
    ...(maxMessagesPerSecond === undefined ? {} : { maxMessagesPerSecond }),
    holdMs: 10_000,
  };
}
