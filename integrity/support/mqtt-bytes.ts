/** MQTT's own string: two bytes of length, then UTF-8. */
export function text(value: string): Buffer {
  return binary(Buffer.from(value));
}

export function binary(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** One packet: its first byte, the remaining length, its parts. */
export function frame(header: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([header]), variableLength(body.length), body]);
}

/** A number as MQTT writes lengths: seven bits in a byte, the lowest first. */
export function variableLength(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? digit | 128 : digit);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** Cuts a stream of bytes into packets. */
export class PacketCutter {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly take: (type: number, body: Buffer) => void) {}

  add(chunk: Buffer): void {
    this.rest = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    while (at + 2 <= this.rest.length) {
      let length = 0;
      let factor = 1;
      let body = at + 1;
      let byte: number;
      do {
        byte = this.rest[body++] ?? 0;
        length += (byte & 127) * factor;
        factor *= 128;
      } while (byte & 128);
      if (body + length > this.rest.length) break;
      this.take((this.rest[at] ?? 0) >> 4, this.rest.subarray(body, body + length));
      at = body + length;
    }
    this.rest = this.rest.subarray(at);
  }
}
