import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstPacketLength, PacketType, PINGRESP, typeOf } from './packet-bytes.js';
import { runVectors, type VectorReport } from './run-vectors.js';

const CONNACK_3 = Buffer.from('20020000', 'hex');
const PUBACK = Buffer.from('40021234', 'hex');
const PUBLISH_QOS1 = '32 07 0001 61 1234 7878';

let folder: string;
let broker: Server;
let sockets: Set<Socket>;
/** What the broker does with everything but CONNECT and PINGREQ. */
let react: (socket: Socket, packet: Buffer) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vectors-'));
  sockets = new Set();
  react = (socket) => socket.destroy();
  broker = createServer(serve).listen(0, '127.0.0.1');
  await once(broker, 'listening');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  broker.close();
  await rm(folder, { recursive: true });
});

it.each([
  ['passed', 'it must close and does', closing(), (socket: Socket) => socket.destroy()],
  ['wrong', 'it must close and says nothing', closing(), () => undefined],
  ['wrong', 'it must close and answers', closing(), (socket: Socket) => socket.write(PUBACK)],
  ['passed', 'it must answer and does', answering(), (socket: Socket) => socket.write(PUBACK)],
  ['wrong', 'it must answer and closes', answering(), (socket: Socket) => socket.destroy()],
  [
    'wrong',
    'it answers as it must, and closes',
    answering(),
    (socket: Socket) => {
      socket.end(PUBACK);
    },
  ],
  ['passed', 'it says why and closes', refusing(), (socket: Socket) => socket.end(bytes('E0 02 81 00'))],
  ['passed', 'it says why in other words', refusing(), (socket: Socket) => socket.end(bytes('E0 01 81'))],
  ['closedOther', 'it gives another reason', refusing(), (socket: Socket) => socket.end(bytes('E0 01 82'))],
  ['closedOther', 'it just closes', refusing(), (socket: Socket) => socket.destroy()],
  ['wrong', 'it says why and stays', refusing(), (socket: Socket) => socket.write(bytes('E0 01 82'))],
  [
    'passed',
    'it says why where only the close is asked for, in MQTT 5',
    { ...closing(), ver: 5 },
    (socket: Socket) => socket.end(bytes('E0 01 81')),
  ],
  ['wrong', 'the same in MQTT 3.1.1', closing(), (socket: Socket) => socket.end(bytes('E0 01 81'))],
] as const)('%s: %s', async (score, _what, test, reaction) => {
  react = reaction;
  const { cases, totals } = await run([test]);
  expect(cases).toMatchObject([
    { file: 'A.json', group: 'group', name: test.name, score, packetType: 'PUBLISH' },
  ]);
  expect(totals).toMatchObject({ total: 1, [score]: 1 });
});

it('answers the message under the id that the broker has picked', async () => {
  const answered: Buffer[] = [];
  react = (socket, packet) => {
    if (typeOf(packet) === PacketType.SUBSCRIBE) socket.write(bytes('32 06 0001 61 0042 78'));
    if (typeOf(packet) === PacketType.PUBACK) answered.push(Buffer.from(packet));
  };
  const { totals } = await run([
    {
      name: 'own id',
      expect_disconnect: false,
      msgs: [
        { type: 'send', payload: '82 06 1234 0001 61 01' },
        { type: 'recv', payload: '32 06 0001 61 0001 78' },
        { type: 'send', payload: '40 02 0001' },
      ],
    },
  ]);
  expect(totals.passed).toBe(1);
  expect(answered).toEqual([bytes('40 02 0042')]);
});

it('finds the case that ends the broker, and goes on', async () => {
  react = (socket, packet) => {
    if (packet.includes('!')) {
      broker.close();
      for (const other of sockets) other.destroy();
    } else socket.destroy();
  };
  const { port } = broker.address() as AddressInfo; // it listens on TCP
  const restart = async (): Promise<void> => {
    broker = createServer(serve).listen(port, '127.0.0.1');
    await once(broker, 'listening');
  };
  const killer = { name: 'kills', msgs: [{ type: 'send', payload: '30 04 0001 61 21' }] };
  const { cases } = await run([closing(), killer, { ...closing(), name: 'another' }], restart);
  expect(cases.map(({ name, score }) => [name, score])).toEqual([
    ['closes', 'passed'],
    ['kills', 'crash'],
    ['another', 'passed'],
  ]);
});

it('does not go on against a broker that is gone', async () => {
  react = () => {
    broker.close();
    for (const other of sockets) other.destroy();
  };
  await expect(run([closing()])).rejects.toThrow('serves nobody any more after group: closes');
});

it('does not begin where no broker is', async () => {
  const { port } = broker.address() as AddressInfo; // it listens on TCP
  broker.close();
  await once(broker, 'close');
  await expect(run([closing()], undefined, port)).rejects.toThrow('no broker serves clients');
});

function closing(): { name: string; msgs: readonly object[] } {
  return { name: 'closes', msgs: [{ type: 'send', payload: PUBLISH_QOS1 }] };
}

function answering(): { name: string; msgs: readonly object[] } {
  const msgs = [
    { type: 'send', payload: PUBLISH_QOS1 },
    { type: 'recv', payload: '40 02 1234' },
  ];
  return Object.assign({ name: 'answers', msgs }, { expect_disconnect: false });
}

function refusing(): { name: string; msgs: readonly object[] } {
  const msgs = [
    { type: 'send', payload: PUBLISH_QOS1 },
    { type: 'recv', payload: 'E0 02 81 00' },
  ];
  return Object.assign({ name: 'refuses', msgs }, { ver: 5 });
}

async function run(
  tests: readonly object[],
  restart?: () => Promise<void>,
  port?: number,
): Promise<VectorReport> {
  await writeFile(join(folder, 'A.json'), JSON.stringify([{ group: 'group', tests }]));
  return runVectors({
    host: '127.0.0.1',
    port: port ?? (broker.address() as AddressInfo).port, // it listens on TCP
    folder,
    parallel: 4,
    timeoutMs: 300,
    log: () => undefined,
    ...(restart ? { restart } : {}),
  });
}

function serve(socket: Socket): void {
  sockets.add(socket);
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined); // the runner resets what it does not need any more
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let length = firstPacketLength(rest); length !== undefined; length = firstPacketLength(rest)) {
      const packet = rest.subarray(0, length);
      rest = rest.subarray(length);
      if (typeOf(packet) === PacketType.CONNECT)
        socket.write(packet.includes('MQTT\x05') ? bytes('20 03 00 00 00') : CONNACK_3);
      else if (typeOf(packet) === PacketType.PINGREQ) socket.write(PINGRESP);
      else react(socket, packet);
    }
  });
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}
