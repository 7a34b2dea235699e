import { bodyOf, PacketType, typeName, typeOf } from './packet-bytes.js';

/** Where the reason code stands in the body, for packets that may have one. */
const REASON_AT: ReadonlyMap<number, number> = new Map([
  [PacketType.CONNACK, 1],
  [PacketType.PUBACK, 2],
  [PacketType.PUBREC, 2],
  [PacketType.PUBREL, 2],
  [PacketType.PUBCOMP, 2],
  [PacketType.DISCONNECT, 0],
]);

/** `PUBACK 0x10` for `4003123410`: left out, the code is 0. What is no packet stays as it is: `closed`, `silent`. */
export function packetInWords(heard: string): string {
  if (!/^(?:[0-9a-f]{2})+$/.test(heard)) return heard;
  const packet = Buffer.from(heard, 'hex');
  const at = REASON_AT.get(typeOf(packet));
  if (at === undefined) return typeName(packet);
  return `${typeName(packet)} 0x${(bodyOf(packet)[at] ?? 0).toString(16).padStart(2, '0')}`;
}
