import { createServer, type Socket } from 'node:net';
import { NoLog, recordPrefix } from '../edge/no-log.js';
import { PACKET, PacketReader } from '../mqtt/packets.js';
import { reportWhenAsked } from './self-report.js';

// node least-server.js
//
// The least that one Node process can do between PUBLISH and PUBACK: no log-in, no limits, no errors. A ceiling, not a design.

const CONNECT = 1;

class Client {
  private readonly reader = new PacketReader((header, bytes, body, length) =>
    this.take(header, bytes, body, length),
  );
  private readonly ids: number[] = [];
  private topic = Buffer.alloc(0);
  private prefix = '';

  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.reader.read(chunk));
    socket.on('error', () => undefined); // it has gone
  }

  acknowledge(id: number): void {
    if (this.ids.length === 0) waiting.push(this);
    this.ids.push(id);
  }

  flush(): void {
    const bytes = Buffer.allocUnsafe(4 * this.ids.length);
    let at = 0;
    for (const id of this.ids) {
      bytes[at++] = PACKET.puback << 4;
      bytes[at++] = 2;
      bytes[at++] = id >> 8;
      bytes[at++] = id & 255;
    }
    this.ids.length = 0;
    this.socket.write(bytes);
  }

  private take(header: number, bytes: Buffer, body: number, length: number): void {
    if (header >> 4 === PACKET.publish) return this.publish(bytes, body, length);
    if (header >> 4 !== CONNECT) return;
    const end = body + 12 + bytes.readUInt16BE(body + 10); // of MQTT 3.1.1
    const id = bytes.toString('utf8', body + 12, end);
    this.topic = Buffer.from(`devices/${id}/telemetry`);
    this.prefix = recordPrefix(id);
    this.socket.write(Buffer.from([PACKET.connack << 4, 2, 0, 0]));
  }

  private publish(bytes: Buffer, body: number, length: number): void {
    const topicEnd = body + 2 + bytes.readUInt16BE(body);
    if (!this.topic.equals(bytes.subarray(body + 2, topicEnd))) return void this.socket.destroy();
    const payload = bytes.toString('utf8', topicEnd + 2, body + length);
    log.append(this.prefix, payload, this, bytes.readUInt16BE(topicEnd));
  }
}

const waiting: Client[] = [];
const log = new NoLog<Client>((clients, ids) => {
  for (const [index, client] of clients.entries()) client.acknowledge(ids[index] ?? 0);
  for (const client of waiting) client.flush();
  waiting.length = 0;
});

const server = createServer({ noDelay: true }, (socket) => new Client(socket));
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  process.stdout.write(`${JSON.stringify({ msg: 'ready', ports: { mqtt: port } })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
reportWhenAsked();
