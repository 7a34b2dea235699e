import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Masked with zeros, of no length, and with three bits that mean nothing: `ws` calls it an error. */
export const BAD_FRAME = Buffer.from('ff8000000000', 'hex');
const TEXT = 0x81;
const BINARY = 0x82;

/** A client that sends its upgrade and its frames as one piece of bytes, and takes any answer. */
export class RawWebSocket {
  private heard = '';
  readonly closed: Promise<unknown>;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined); // may be reset: `close` follows
    socket.on('data', (chunk) => (this.heard += chunk.toString('latin1')));
    this.closed = once(socket, 'close');
  }

  static async open(port: number, ...bytes: readonly Buffer[]): Promise<RawWebSocket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new RawWebSocket(socket);
    socket.write(Buffer.concat(bytes));
    return client;
  }

  /** Everything that the server has said, a character for each byte. */
  get answer(): string {
    return this.heard;
  }

  /** Resolves when the server has said this. */
  async says(words: string): Promise<void> {
    while (!this.heard.includes(words)) await once(this.socket, 'data');
  }

  send(...bytes: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export function upgrade(subprotocol?: string): Buffer {
  const offer = subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  return Buffer.from(
    `GET /mqtt HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n${offer}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
}

/** Masked with zeros, so that the payload stays readable; `declared` bytes of it, whatever is there. */
export function frameOf(payload: Buffer, declared = payload.length, opcode = BINARY): Buffer {
  const header = Buffer.alloc(14);
  header[0] = opcode;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(declared), 2);
  return Buffer.concat([header, payload]);
}

export function textFrameOf(payload: Buffer): Buffer {
  return frameOf(payload, payload.length, TEXT);
}
