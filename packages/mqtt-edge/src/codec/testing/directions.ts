import fc, { type Arbitrary, type Parameters } from 'fast-check';
import type { DecoderOptions } from '../decoder.js';
import type { Role } from '../fixed-headers.js';
import type { Packet, ProtocolVersion } from '../packet.js';
import { connects, packetsOf } from './packets.js';

/** The same packets in every run; a failure prints seed and path. Another seed: `CODEC_SEED=7 npm test -- codec`. */
export const RUNS: Parameters<unknown> = { seed: Number(process.env['CODEC_SEED'] ?? 311), numRuns: 300 };

/** One side speaks, the other reads. */
export interface Direction {
  readonly version: ProtocolVersion;
  readonly sender: Role;
  readonly receiver: Role;
}

export const DIRECTIONS: readonly Direction[] = ([3, 4, 5] as const).flatMap((version) => [
  { version, sender: 'client', receiver: 'server' },
  { version, sender: 'server', receiver: 'client' },
]);

/** What a sender may say from the first byte on. A server reads the version from CONNECT, a client knows it. */
export function conversations({ version, sender }: Direction): Arbitrary<Packet[]> {
  const packets = fc.array(packetsOf(version, sender), { minLength: 1, maxLength: 8 });
  if (sender === 'server') return packets;
  return fc.tuple(connects(version), packets).map(([connect, rest]) => {
    const authenticationMethod = version === 5 ? 'm' : undefined; // or AUTH must not come
    const properties = { ...connect.properties, ...(authenticationMethod && { authenticationMethod }) };
    return [{ ...connect, properties }, rest].flat();
  });
}

/** Any single packet of this direction, CONNECT among them. */
export function packets({ version, sender }: Direction): Arbitrary<Packet> {
  const later = packetsOf(version, sender);
  return sender === 'server' ? later : fc.oneof({ weight: 4, arbitrary: later }, connects(version));
}

/** How the conversation is read. */
export function optionsFor({ version, receiver }: Direction): Partial<DecoderOptions> {
  return receiver === 'server' ? { role: receiver } : { role: receiver, version };
}
