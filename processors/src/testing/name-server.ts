import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

const TYPE_A = 1;
const NXDOMAIN = 3;

/** IPv4 addresses by name; undefined: a question about this one is never answered. */
export type Names = ReadonlyMap<string, string | undefined>;

/** A name server on UDP [RFC 1035]: says that there is nothing at names that are not given. */
export class NameServer {
  /** Names that were asked for, once per question. */
  readonly asked: string[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly known: Names,
  ) {
    socket.on('message', (message, from) => this.take(message, from));
  }

  static async open(known: Names): Promise<NameServer> {
    const socket = createSocket('udp4').unref(); // a test that fails must not keep the process
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new NameServer(socket, known);
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }

  private take(message: Buffer, { port, address }: RemoteInfo): void {
    const { name, type, end } = questionOf(message);
    this.asked.push(name);
    const known = this.known.get(name);
    const isKnown = this.known.has(name);
    if (isKnown && known === undefined) return;
    const records = known !== undefined && type === TYPE_A ? [recordOf(known)] : [];
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2); // the id
    header.writeUInt16BE(0x8180 | (isKnown ? 0 : NXDOMAIN), 2); // a recursive answer
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const answer = [header, message.subarray(12, end)].concat(records);
    this.socket.send(Buffer.concat(answer), port, address);
  }
}

function questionOf(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function recordOf(address: string): Buffer {
  const head = Buffer.from('c00c00010001000000000004', 'hex'); // the name of the question, A, IN, TTL 0, 4 bytes
  return Buffer.concat([head, Buffer.from(address.split('.').map(Number))]);
}
