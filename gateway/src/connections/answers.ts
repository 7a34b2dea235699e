import { V3_SESSION_EXPIRY_SECONDS, type ErrorCode, type SessionWill } from '@fieldgate/contracts';
import {
  ReasonCode,
  sessionExpiryOf,
  type ConnectionEnd,
  type ConnectPacket,
  type Limits,
} from '@fieldgate/mqtt-edge';
import type { DisconnectReason } from '../sessions/device-session.js';

/** CONNACK of a device that may not come in (MQTT 5: table 3-1; before, the connection writes what the version has for it). */
export function connackReason(code: ErrorCode): ReasonCode {
  if (code === 'log-unavailable' || code === 'not-ready') return ReasonCode.serverUnavailable;
  if (code === 'will-too-large') return ReasonCode.quotaExceeded;
  return code === 'will-elsewhere' ? ReasonCode.notAuthorized : ReasonCode.badUserNameOrPassword;
}

/** Reason Strings are whole sentences; what they are made of stands in the middle of others as well, in dead letters and log lines. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return begun.endsWith('.') ? begun : `${begun}.`;
}

/** One for all who may be trying names and passwords: which of them was wrong stands in the gateway's log alone. */
const WRONG_LOG_IN =
  'User name, password or client id is wrong: the user name is the device id, the password its secret, the client id the same device id or empty.';

/** The Reason String of that CONNACK. */
export function connackText(code: ErrorCode, detail: string): string {
  return connackReason(code) === ReasonCode.badUserNameOrPassword ? WRONG_LOG_IN : sentence(detail);
}

/** PUBACK or PUBREC of a message that is refused for good; its bytes are a dead letter. */
export function refusalReason(code: ErrorCode): ReasonCode {
  return code === 'topic-unknown' ? ReasonCode.topicNameInvalid : ReasonCode.payloadFormatInvalid;
}

/** Seconds for which the session of this CONNECT outlives its connection. Before MQTT 5 a kept session has no end: here it is a day. */
export function expirySecondsOf(packet: ConnectPacket, limits: Limits): number {
  const seconds = sessionExpiryOf(packet, limits);
  return packet.version < 5 ? Math.min(seconds, V3_SESSION_EXPIRY_SECONDS) : seconds;
}

/** What stands in the event `disconnected`. */
export function disconnectReason({ reason, reasonCode }: ConnectionEnd): DisconnectReason {
  switch (reason) {
    case 'disconnected':
      return 'client-disconnected';
    case 'keep-alive-timeout':
    case 'drain-timeout':
      return reason;
    case 'protocol-error':
      if (reasonCode === ReasonCode.packetTooLarge) return 'packet-too-large';
      return reasonCode === ReasonCode.receiveMaximumExceeded ? 'receive-maximum-exceeded' : 'protocol-error';
    case 'connect-timeout':
    case 'closed':
    case 'lost':
      return 'connection-lost';
  }
}

/** The will of a CONNECT, as the session's record keeps it. RETAIN and most of its properties are of no use to ingest. */
export function willOf({ will }: ConnectPacket): SessionWill | undefined {
  if (!will) return undefined;
  const { topic, payload, qos, properties } = will;
  const { contentType, willDelayInterval: delaySeconds = 0 } = properties;
  const waiting = { topic, payload: Buffer.from(payload).toString('base64'), qos, delaySeconds };
  return contentType === undefined ? waiting : { ...waiting, contentType };
}
