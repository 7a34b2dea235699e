import type { Duplex } from 'node:stream';
import {
  connectPacket,
  PACKET,
  PacketReader,
  subscribePacket,
  type Credentials,
  type Version,
} from './packets.js';
import { openStream, type Transport } from './transport.js';

type OnPacket = (header: number, bytes: Buffer, body: number, length: number) => void;

/** A logged-in raw socket. Whatever ends it before `close` is an error: a bench that loses connections measures something else. */
export class Connection {
  private isClosing = false;
  private awaiting: { readonly type: number; readonly resolve: (code: number) => void } | undefined;

  private constructor(
    private readonly socket: Duplex,
    private readonly version: Version,
    onPacket: OnPacket,
    failed: (error: Error) => void,
  ) {
    const reader = new PacketReader((header, bytes, body, length) => {
      const type = header >> 4;
      if (this.awaiting?.type !== type) return onPacket(header, bytes, body, length);
      const { resolve } = this.awaiting;
      this.awaiting = undefined;
      resolve(bytes[type === PACKET.connack ? body + 1 : body + length - 1] ?? 255);
    });
    socket.on('data', (chunk) => reader.read(chunk));
    socket.on('error', failed);
    socket.on('close', () => {
      if (!this.isClosing) failed(new Error('the broker closed a connection'));
    });
  }

  static async open(
    target: {
      readonly port: number;
      readonly device: Credentials;
      readonly version: Version;
      readonly transport?: Transport;
      /** Of many on this machine; else the system chooses. */
      readonly localAddress?: string;
      /** Instead of ending the process, when an open connection ends before `close`. */
      readonly lost?: (error: Error) => void;
    },
    onPacket: OnPacket,
  ): Promise<Connection> {
    const { port, device, version, transport = 'mqtt', localAddress, lost } = target;
    const socket = openStream(transport, port, localAddress);
    return new Promise((resolve, reject) => {
      let isOpen = false;
      const connection = new Connection(socket, version, onPacket, (error) => {
        if (!isOpen) return reject(error);
        if (!lost) throw error; // ends the process that measures
        lost(error);
      });
      socket.write(connectPacket(device, version));
      connection.answer(PACKET.connack).then((code) => {
        isOpen = true;
        if (code === 0) resolve(connection);
        else reject(new Error(`CONNECT of ${device.id} was refused: ${code}`));
      }, reject);
    });
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  async subscribe(filter: string): Promise<void> {
    this.write(subscribePacket(filter, this.version));
    const code = await this.answer(PACKET.suback);
    if (code > 2) throw new Error(`SUBSCRIBE to ${filter} was refused: ${code}`);
  }

  close(): void {
    this.isClosing = true;
    this.socket.destroy();
  }

  private answer(type: number): Promise<number> {
    return new Promise((resolve) => (this.awaiting = { type, resolve }));
  }
}

/** Opens many, a few at a time. */
export async function openAll<T>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  for (let from = 0; from < count; from += 50)
    opened.push(
      ...(await Promise.all(Array.from({ length: Math.min(50, count - from) }, (_, k) => open(from + k)))),
    );
  return opened;
}
