import { Connection } from './connection.js';
import { PACKET, publishPacket, type Credentials } from './packets.js';

/** As a client library does it that waits for some of its PUBACKs. */
const IN_FLIGHT = { singly: 1_000, arrays: 10 } as const;
/** In large writes, and without a loop that would take the processor from the gateway. */
const REFILLED_AT = 0.75;
const PER_ARRAY = 1_000;
const DAYS_MS = 3 * 86_400_000;

export type FlushShape = keyof typeof IN_FLIGHT;

/** Tells what it has gathered in three days, as fast as it is taken; everything is encoded before the clock runs. */
export class FlushDevice {
  private readonly packets: Buffer[];
  private sent = 0;
  private acknowledged = 0;

  constructor(
    private readonly device: Credentials,
    readonly readings: number,
    private readonly shape: FlushShape,
  ) {
    this.packets = packetsOf(device.id, readings, shape);
  }

  /** Resolves with the seconds that it took. */
  async flush(port: number): Promise<number> {
    let done: () => void = () => undefined;
    const isDone = new Promise<void>((resolve) => (done = resolve));
    const target = { port, device: this.device, version: 4 } as const;
    const inFlight = IN_FLIGHT[this.shape];
    const connection = await Connection.open(target, (header) => {
      if (header >> 4 !== PACKET.puback) return;
      this.acknowledged += 1;
      if (this.acknowledged === this.packets.length) done();
      else if (this.sent - this.acknowledged <= inFlight * REFILLED_AT) fill();
    });
    const fill = (): void => {
      const most = Math.min(this.packets.length, this.acknowledged + inFlight);
      if (most > this.sent) connection.write(Buffer.concat(this.packets.slice(this.sent, most)));
      this.sent = most;
    };
    const from = performance.now();
    fill();
    await isDone;
    connection.close();
    return (performance.now() - from) / 1_000;
  }
}

function packetsOf(deviceId: string, readings: number, shape: FlushShape): Buffer[] {
  const topic = `devices/${deviceId}/telemetry`;
  const since = Date.now() - DAYS_MS;
  const each = Math.floor(DAYS_MS / readings);
  const reading = (n: number): string =>
    `{"ts":${since + n * each},"seq":${n},"readings":{"temperature":${(20 + (n % 100) / 10).toFixed(1)},"running":true}}`;
  const size = shape === 'singly' ? 1 : PER_ARRAY;
  return Array.from({ length: Math.ceil(readings / size) }, (_, index) => {
    const from = index * size;
    const count = Math.min(size, readings - from);
    const elements = Array.from({ length: count }, (__, n) => reading(from + n));
    const payload = Buffer.from(size === 1 ? elements.join('') : `[${elements.join(',')}]`);
    return publishPacket({ topic, packetId: (index % 60_000) + 1, payload }, 4);
  });
}
