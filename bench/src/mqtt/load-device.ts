import { Connection } from './connection.js';
import { PACKET, publishPacket, type Credentials } from './packets.js';

/** Packet ids in use: far more than any window. */
const SLOTS = 4_096;
const FIRST_SEQ = 1_000_000_000;

/** Publishes one pre-encoded message again and again with QoS 1; only packet id, `ts` and `seq` change, in place. */
export class LoadDevice {
  private connection: Connection | undefined;
  private readonly template: Buffer;
  private readonly at: { readonly packetId: number; readonly ts: number; readonly seq: number };
  private readonly sentAt = new Float64Array(SLOTS + 1);
  private readonly seqOf = new Uint32Array(SLOTS + 1);
  private lastId = 0;
  private seq = FIRST_SEQ;
  inFlight = 0;

  constructor(
    private readonly device: Credentials,
    payloadBytes: number,
    /** A PUBACK, how long it took, and the `seq` of the message. */
    private readonly acknowledged: (device: LoadDevice, ms: number, seq: number) => void,
  ) {
    const payload = payloadOf(payloadBytes);
    const topic = `devices/${device.id}/telemetry`;
    this.template = publishPacket({ topic, packetId: 1, payload: Buffer.from(payload) }, 4);
    const start = this.template.length - payload.length;
    this.at = {
      packetId: start - 2,
      ts: start + payload.indexOf('"ts":') + 5,
      seq: start + payload.indexOf('"seq":') + 6,
    };
  }

  get id(): string {
    return this.device.id;
  }

  /** `lost`: instead of ending the process, when the connection ends. */
  async open(port: number, lost?: (error: Error) => void): Promise<void> {
    this.connection = await Connection.open(
      { port, device: this.device, version: 4, ...(lost && { lost }) },
      (header, bytes, body) => {
        if (header >> 4 === PACKET.puback) this.onPuback(bytes.readUInt16BE(body));
      },
    );
  }

  close(): void {
    this.connection?.close();
  }

  /** So many messages in one write. */
  send(count: number, epochMs: number): void {
    if (count <= 0) return;
    const { template, at } = this;
    const bytes = Buffer.allocUnsafe(template.length * count);
    const ts = String(epochMs);
    const now = performance.now();
    for (let index = 0; index < count; index += 1) {
      const start = index * template.length;
      do this.lastId = (this.lastId % SLOTS) + 1;
      while (this.sentAt[this.lastId] !== 0);
      template.copy(bytes, start);
      bytes.writeUInt16BE(this.lastId, start + at.packetId);
      bytes.write(ts, start + at.ts, 'latin1');
      bytes.write(String((this.seq += 1)), start + at.seq, 'latin1');
      this.sentAt[this.lastId] = now;
      this.seqOf[this.lastId] = this.seq;
    }
    this.inFlight += count;
    this.connection?.write(bytes);
  }

  private onPuback(id: number): void {
    const sentAt = this.sentAt[id] ?? 0;
    if (sentAt === 0) throw new Error(`a PUBACK for ${id}, which is not in flight`);
    this.sentAt[id] = 0;
    this.inFlight -= 1;
    this.acknowledged(this, performance.now() - sentAt, this.seqOf[id] ?? 0);
  }
}

/** Four metrics, a flag and a text that fills up to the size. */
function payloadOf(bytes: number): string {
  const head = `{"ts":1763600000000,"seq":${FIRST_SEQ},"readings":{"temperature":21.53,"humidity":45.27,"pressure":1013.25,"battery":3.71,"running":true,"note":"`;
  return `${head.padEnd(bytes - 3, 'x')}"}}`;
}
