import { duplexPair, type Duplex } from 'node:stream';
import { Decoder } from '../codec/decoder.js';
import { encode } from '../codec/encoder.js';
import type { Packet, PacketType, ProtocolVersion } from '../codec/packet.js';

const PATIENCE_MS = 3_000;

/** Enough turns of the event loop for everything that is on its way between two streams. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The client's end of a connection, packet by packet. */
export class TestClient {
  /** Chunks that have come. */
  chunks = 0;
  isClosed = false;
  private readonly heard: Packet[] = [];
  private readonly decoder: Decoder;
  private wake: (() => void) | undefined;

  constructor(
    readonly stream: Duplex,
    private readonly version: ProtocolVersion,
  ) {
    this.decoder = new Decoder({ role: 'client', maximumPacketSize: 268_435_460, version });
    stream.on('data', (chunk: Buffer) => this.onData(chunk));
    for (const event of ['end', 'close', 'error']) stream.on(event, () => this.onClose());
  }

  /** In one write. */
  send(...packets: readonly (Packet | Uint8Array)[]): void {
    this.stream.write(
      Buffer.concat(
        packets.map((packet) =>
          packet instanceof Uint8Array ? packet : encode(packet, this.version, 'client'),
        ),
      ),
    );
  }

  /** The next packet, or the end. */
  async next(): Promise<Packet | 'closed'> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const packet = this.heard.shift();
      if (packet) return packet;
      if (this.isClosed) return 'closed';
      const left = deadline - performance.now();
      if (left <= 0) throw new Error('nothing came');
      await this.somethingNew(left);
    }
  }

  /** The next packet, which must be of this type. */
  async take<T extends PacketType>(
    type: T,
  ): Promise<Extract<Packet, { readonly type: T | PacketType }> & { type: T }> {
    const packet = await this.next();
    if (packet === 'closed' || packet.type !== type)
      throw new Error(
        `expected packet type ${type}, got ${packet === 'closed' ? packet : JSON.stringify(packet)}`,
      );
    return packet as Extract<Packet, { readonly type: T | PacketType }> & { type: T }; // compared above
  }

  /** Everything that comes within a few turns. */
  async all(): Promise<readonly Packet[]> {
    await turns();
    return this.heard.splice(0);
  }

  private onData(chunk: Buffer): void {
    this.chunks += 1;
    this.decoder.write(chunk);
    for (let packet = this.decoder.read(); packet !== undefined; packet = this.decoder.read()) {
      if ('violation' in packet) throw new Error(`the server has sent what is no MQTT: ${packet.reason}`);
      this.heard.push(packet);
    }
    this.wake?.();
  }

  private onClose(): void {
    this.isClosed = true;
    this.wake?.();
  }

  private async somethingNew(ms: number): Promise<void> {
    const { promise, resolve } = promised();
    this.wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }
}

/** A client, and the server's end of its stream. */
export function aClient(version: ProtocolVersion = 5): { client: TestClient; stream: Duplex } {
  const [near, far] = duplexPair();
  far.once('close', () => near.destroy()); // as sockets do, and halves of a pair do not
  return { client: new TestClient(near, version), stream: far };
}

function promised(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
