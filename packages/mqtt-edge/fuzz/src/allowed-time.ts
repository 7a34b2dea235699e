import { encode } from '@fieldgate/mqtt-edge';
import type { Input } from './input.js';
import { readStream } from './read-stream.js';
import { packetsWith } from './sample-packets.js';

const WARM_UP = 300;
const RUNS = 50;
/** Of any input: the garbage collector and other processes need time too. */
const MOST_MS = 2;
/** No byte may cost more than so many bytes that each came in a chunk of their own. */
const TIMES = 8;

/** What an input may take, by how fast this machine reads a short stream byte by byte. Work that grows faster than the input exceeds it. */
export function measureAllowance(): (input: Input) => number {
  const packets = packetsWith({}, 4, 'client').filter(({ type }) => type !== 1);
  const stream = Buffer.concat(packets.map((packet) => encode(packet, 4)));
  const chunks = Array.from(stream, (_, at) => stream.subarray(at, at + 1));
  let least = Infinity;
  for (let run = 0; run < WARM_UP + RUNS; run++) {
    const ms = timedReading(
      { options: { role: 'server', version: 4, maximumPacketSize: 1000 }, readsLate: false },
      chunks,
    );
    if (run >= WARM_UP) least = Math.min(least, ms);
  }
  const perByte = least / stream.length;
  return ({ stream: { length } }) => MOST_MS + TIMES * perByte * length;
}

/** Of this process, not of the clock: on a busy machine most of the time between two looks at the clock belongs to others. */
export function cpuMsOfReading(input: Input): number {
  const before = process.cpuUsage();
  readStream(input, input.chunks);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function timedReading(input: Pick<Input, 'options' | 'readsLate'>, chunks: readonly Buffer[]): number {
  const started = performance.now();
  readStream(input, chunks);
  return performance.now() - started;
}
