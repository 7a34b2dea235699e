/** The few MQTT 3.1.1 and 5 packets that a bench sends, byte by byte: a client library would cost more than the gateway. */
export type Version = 4 | 5;

export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

const USER_PASSWORD_CLEAN = 0xc2;
const KEEP_ALIVE_SECONDS = 300;

/** Client id = user name = device id, clean start. */
export function connectPacket({ id, secret }: Credentials, version: Version): Buffer {
  return packet(0x10, [
    text('MQTT'),
    Buffer.from([version, USER_PASSWORD_CLEAN, KEEP_ALIVE_SECONDS >> 8, KEEP_ALIVE_SECONDS & 255]),
    properties(version),
    text(id),
    text(id),
    text(secret),
  ]);
}

/** QoS 1. */
export function subscribePacket(filter: string, version: Version): Buffer {
  return packet(0x82, [Buffer.from([0, 1]), properties(version), text(filter), Buffer.from([1])]);
}

/** QoS 1. */
export function publishPacket(
  { topic, packetId, payload }: { topic: string; packetId: number; payload: Buffer },
  version: Version,
): Buffer {
  return packet(0x32, [
    text(topic),
    Buffer.from([packetId >> 8, packetId & 255]),
    properties(version),
    payload,
  ]);
}

/** The same for both versions: reason code 0 may be left out ([MQTT-3.4.2.1] Remaining Length 2). */
export function pubackPacket(packetId: number): Buffer {
  return Buffer.from([0x40, 2, packetId >> 8, packetId & 255]);
}

export const PACKET = { connack: 2, publish: 3, puback: 4, suback: 9, disconnect: 14 } as const;

/** Cuts a byte stream into packets: type, flags and where the body lies in `bytes`. */
export class PacketReader {
  private rest: Buffer | undefined;

  constructor(private readonly take: (header: number, bytes: Buffer, body: number, length: number) => void) {}

  read(chunk: Buffer): void {
    const bytes = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at + 2 <= bytes.length) {
      let length = 0;
      let factor = 1;
      let body = at + 1;
      let byte = 128;
      while (byte & 128 && body < bytes.length) {
        byte = bytes[body++] ?? 0;
        length += (byte & 127) * factor;
        factor *= 128;
      }
      if (byte & 128 || body + length > bytes.length) break;
      this.take(bytes[at] ?? 0, bytes, body, length);
      at = body + length;
    }
    this.rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined;
  }
}

function properties(version: Version): Buffer {
  return version === 5 ? Buffer.from([0]) : Buffer.alloc(0);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(header: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let rest = body.length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    length.push(rest > 0 ? digit | 128 : digit);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}
