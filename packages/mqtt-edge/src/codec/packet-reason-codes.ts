import type { Role } from './fixed-headers.js';
import { PacketType } from './packet.js';
import { ReasonCode } from './reason-codes.js';

const R = ReasonCode;

/** What both sides may say in PUBACK and PUBREC (tables 3-4 and 3-5). */
const PUBLISH_RESULTS: readonly ReasonCode[] = [
  R.success,
  R.noMatchingSubscribers,
  R.unspecifiedError,
  R.implementationSpecificError,
  R.notAuthorized,
  R.topicNameInvalid,
  R.packetIdentifierInUse,
  R.quotaExceeded,
  R.payloadFormatInvalid,
];

const SUBSCRIBE_REFUSALS: readonly ReasonCode[] = [
  R.unspecifiedError,
  R.implementationSpecificError,
  R.notAuthorized,
  R.topicFilterInvalid,
  R.packetIdentifierInUse,
];

const DISCONNECT_BY_BOTH: readonly ReasonCode[] = [
  R.success,
  R.unspecifiedError,
  R.malformedPacket,
  R.protocolError,
  R.implementationSpecificError,
  R.topicNameInvalid,
  R.receiveMaximumExceeded,
  R.topicAliasInvalid,
  R.packetTooLarge,
  R.messageRateTooHigh,
  R.quotaExceeded,
  R.administrativeAction,
  R.payloadFormatInvalid,
];

/** MQTT 5, table 2-6, packet by packet and, where it differs, by who sends it (tables 3-1, 3-8, 3-10, 3-11). */
const PACKET_REASON_CODES: readonly {
  readonly type: PacketType;
  readonly sentBy: Role | 'both';
  readonly codes: readonly ReasonCode[];
}[] = [
  {
    type: PacketType.connack,
    sentBy: 'server',
    codes: [
      R.success,
      R.unspecifiedError,
      R.malformedPacket,
      R.protocolError,
      R.implementationSpecificError,
      R.unsupportedProtocolVersion,
      R.clientIdentifierNotValid,
      R.badUserNameOrPassword,
      R.notAuthorized,
      R.serverUnavailable,
      R.serverBusy,
      R.banned,
      R.badAuthenticationMethod,
      R.topicNameInvalid,
      R.packetTooLarge,
      R.quotaExceeded,
      R.payloadFormatInvalid,
      R.retainNotSupported,
      R.qosNotSupported,
      R.useAnotherServer,
      R.serverMoved,
      R.connectionRateExceeded,
    ],
  },
  { type: PacketType.puback, sentBy: 'both', codes: PUBLISH_RESULTS },
  { type: PacketType.pubrec, sentBy: 'both', codes: PUBLISH_RESULTS },
  { type: PacketType.pubrel, sentBy: 'both', codes: [R.success, R.packetIdentifierNotFound] },
  { type: PacketType.pubcomp, sentBy: 'both', codes: [R.success, R.packetIdentifierNotFound] },
  {
    type: PacketType.suback,
    sentBy: 'server',
    codes: [
      R.success,
      R.grantedQos1,
      R.grantedQos2,
      ...SUBSCRIBE_REFUSALS,
      R.quotaExceeded,
      R.sharedSubscriptionsNotSupported,
      R.subscriptionIdentifiersNotSupported,
      R.wildcardSubscriptionsNotSupported,
    ],
  },
  {
    type: PacketType.unsuback,
    sentBy: 'server',
    codes: [R.success, R.noSubscriptionExisted, ...SUBSCRIBE_REFUSALS],
  },
  { type: PacketType.disconnect, sentBy: 'client', codes: [...DISCONNECT_BY_BOTH, R.disconnectWithWill] },
  {
    type: PacketType.disconnect,
    sentBy: 'server',
    codes: [
      ...DISCONNECT_BY_BOTH,
      R.notAuthorized,
      R.serverBusy,
      R.serverShuttingDown,
      R.badAuthenticationMethod, // in table 2-6, though not in 3.14.2.1
      R.keepAliveTimeout,
      R.sessionTakenOver,
      R.topicFilterInvalid,
      R.retainNotSupported,
      R.qosNotSupported,
      R.useAnotherServer,
      R.serverMoved,
      R.sharedSubscriptionsNotSupported,
      R.connectionRateExceeded,
      R.maximumConnectTime,
      R.subscriptionIdentifiersNotSupported,
      R.wildcardSubscriptionsNotSupported,
    ],
  },
  { type: PacketType.auth, sentBy: 'client', codes: [R.continueAuthentication, R.reAuthenticate] },
  { type: PacketType.auth, sentBy: 'server', codes: [R.success, R.continueAuthentication] },
];

const ALLOWED: Readonly<Record<Role, Uint8Array>> = { client: compile('client'), server: compile('server') };

function compile(sender: Role): Uint8Array {
  const allowed = new Uint8Array(16 << 8);
  for (const { type, sentBy, codes } of PACKET_REASON_CODES) {
    if (sentBy !== 'both' && sentBy !== sender) continue;
    for (const code of codes) allowed[(type << 8) | code] = 1;
  }
  return allowed;
}

/** Whether `sender` may put `code` into a packet of `type` (MQTT 5). */
export function isReasonCodeOf(type: PacketType, code: number, sender: Role): code is ReasonCode {
  return ALLOWED[sender][(type << 8) | code] === 1;
}

/** MQTT 3.1.1, table 3.1: 0 accepted, 1 protocol version, 2 identifier, 3 unavailable, 4 user name or password, 5 not authorized. */
export const LAST_CONNACK_RETURN_CODE = 5;

/** MQTT 3.1.1, 3.9.3; MQTT 3.1 has no 0x80, but brokers send it there too. */
export function isSubackReturnCode(code: number): code is ReasonCode {
  return code <= 2 || code === R.unspecifiedError;
}

/** The codes a packet may carry, for tests and for documentation. */
export function reasonCodesOf(type: PacketType, sender: Role): ReasonCode[] {
  return Object.values(ReasonCode).filter((code) => isReasonCodeOf(type, code, sender));
}
