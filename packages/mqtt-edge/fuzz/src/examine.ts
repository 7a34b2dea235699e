import { isDeepStrictEqual } from 'node:util';
import {
  Decoder,
  encode,
  isViolation,
  PacketType,
  ReasonCode,
  type Packet,
  type ProtocolVersion,
  type ProtocolViolation,
} from '@fieldgate/mqtt-edge';
import { packetEnds } from './framing.js';
import type { Input } from './input.js';
import { gist, readStream, type Outcome } from './read-stream.js';
import { retainedBytes } from './retained-bytes.js';

/** What the decoder has done with an input, and what it must not have done. */
export interface Examination {
  readonly outcome: Outcome;
  /** What reading it took. */
  readonly ms: number;
  /** Where the packets of the stream end. */
  readonly ends: readonly number[];
  readonly faults: readonly string[];
}

/** One verdict table (256), a topic and its text (at most 208 and 192), the first piece of a packet (64), words of the options. */
const RETAINED_AT_MOST = 800;
const ROOM = 100_000;
const CLAUSE = /^(?:MQTT-)?\d+\.\d+(?:\.\d+)*(?:-\d+)?$/;
const REFUSALS: ReadonlySet<number> = new Set([
  ReasonCode.malformedPacket,
  ReasonCode.protocolError,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.packetTooLarge,
  ReasonCode.payloadFormatInvalid,
]);

export function examine(input: Input): Examination {
  const ends = packetEnds(input.stream);
  const started = performance.now();
  const outcome = readStream(input, input.chunks);
  const ms = performance.now() - started;
  const whole = input.isCompared && input.chunks.length > 1 ? readStream(input, [input.stream]) : outcome;
  const faults = [
    whole === outcome || gist(whole) === gist(outcome) ? undefined : `in one piece: ${gist(whole)}`,
    framingFault(input, outcome, ends),
    outcome.violation && violationFault(outcome, outcome.violation),
  ];
  if (input.isSampled)
    faults.push(
      retentionFault(input),
      ...outcome.packets.map((packet) => rereadFault(packet, input, outcome.decoder)),
    );
  return { outcome, ms, ends, faults: faults.filter((fault) => fault !== undefined) };
}

function framingFault(
  { stream }: Input,
  { packets, violation }: Outcome,
  ends: readonly number[],
): string | undefined {
  if (violation === undefined && packets.length !== ends.length)
    return `${ends.length} packets in the stream`;
  return packets.length > ends.length
    ? `more packets than the stream of ${stream.length} bytes has`
    : undefined;
}

/** A violation is a value that says what is wrong, and the end. */
function violationFault({ decoder }: Outcome, violation: ProtocolViolation): string | undefined {
  const { reasonCode, clause, reason, packetType } = violation;
  if (!REFUSALS.has(reasonCode)) return `a violation with reason code 0x${reasonCode.toString(16)}`;
  if (!CLAUSE.test(clause)) return `a violation without a clause: ${clause}`;
  if (reason.length === 0) return 'a violation without a reason';
  if (packetType !== undefined && (packetType < 1 || packetType > 15))
    return `a violation in packet type ${packetType}`;
  decoder.write(Buffer.from([0xc0, 0]));
  return decoder.read() === violation ? undefined : 'something is read after a violation';
}

/** Chunks are given with much memory around them, so that one that is kept shows. */
function retentionFault(input: Input): string | undefined {
  const { decoder, packets, violation } = readStream(input, roomy(input.chunks));
  const ends = packetEnds(input.stream);
  const unfinished = violation === undefined ? input.stream.length - (ends[packets.length - 1] ?? 0) : 0;
  const retained = retainedBytes(decoder);
  const allowed = RETAINED_AT_MOST + 2 * unfinished;
  return retained > allowed ? `${retained} bytes kept, ${allowed} allowed` : undefined;
}

function roomy(chunks: readonly Buffer[]): Buffer[] {
  const room = Math.floor(ROOM / chunks.length);
  return chunks.map((chunk) => {
    const memory = Buffer.allocUnsafeSlow(chunk.length + room);
    chunk.copy(memory);
    return memory.subarray(0, chunk.length);
  });
}

/** What was accepted can be said, and means the same again. */
function rereadFault(packet: Packet, { options }: Input, { version }: Decoder): string | undefined {
  if (version === undefined) return 'a packet before the version is known';
  const sender = options.role === 'server' ? 'client' : 'server';
  const bytes = encode(packet, version, sender);
  const again = reread(packet, bytes, options.role, version);
  if (again === undefined || isViolation(again))
    return `its own encoding is not read: ${bytes.toString('hex')}`;
  const same =
    packet.type === PacketType.publish
      ? encode(again, version, sender).equals(bytes) &&
        gist({ packets: [again], violation: undefined }) === gist({ packets: [packet], violation: undefined })
      : isDeepStrictEqual(again, packet);
  return same ? undefined : `its own encoding reads otherwise: ${bytes.toString('hex')}`;
}

function reread(
  packet: Packet,
  bytes: Buffer,
  role: 'client' | 'server',
  version: ProtocolVersion,
): Packet | ProtocolViolation | undefined {
  const options = { role, maximumPacketSize: bytes.length, strictStrings: false };
  const decoder = new Decoder(packet.type === PacketType.connect ? options : { ...options, version });
  decoder.write(bytes);
  return decoder.read();
}
