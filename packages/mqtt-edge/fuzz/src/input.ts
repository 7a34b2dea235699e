import { encode, type DecoderOptions, type ProtocolVersion } from '@fieldgate/mqtt-edge';
import { NOTHING } from './framing.js';
import { MUTATIONS } from './mutations.js';
import { Random } from './random.js';
import { packetsWith } from './sample-packets.js';
import type { Corpus, Seed } from './seeds.js';

/** One stream for one decoder. */
export interface Input {
  readonly options: DecoderOptions;
  readonly stream: Buffer;
  /** The first byte that is not as it was valid; packets that end before it say nothing about the mutation. */
  readonly changedFrom: number;
  readonly mutations: readonly string[];
  readonly chunks: readonly Buffer[];
  /** All chunks are written before the first packet is read. */
  readonly readsLate: boolean;
  /** It is also read in one piece. */
  readonly isCompared: boolean;
  /** The costly checks are made too. */
  readonly isSampled: boolean;
}

const NAMES = Object.keys(MUTATIONS);
const LONG = 4000;
const UNLIMITED = 268_435_460;
const CONNECTS = new Map(
  ([3, 4, 5] as const).map((version): [ProtocolVersion, Buffer] => {
    const connect = packetsWith({ authenticationMethod: 'm' }, version, 'client').find(
      ({ type }) => type === 1,
    );
    return [version, connect === undefined ? NOTHING : encode(connect, version)];
  }),
);

/** Inputs by number: the same seed and number give the same input. */
export class Inputs {
  private readonly random = new Random();

  constructor(
    private readonly corpus: Corpus,
    private readonly seed: number,
  ) {}

  at(index: number): Input {
    const { random } = this;
    random.start(this.seed, index);
    const { version, sender, seeds } = random.pick(this.corpus);
    const connects = sender === 'client' && random.oneIn(3);
    const packets = this.drawPackets(seeds, connects ? CONNECTS.get(version) : undefined);
    const changed = this.mutate(packets, seeds);
    const stream = random.oneIn(16)
      ? changed.stream.subarray(0, random.below(changed.stream.length + 1))
      : changed.stream;
    // member by member: a spread costs more than what the decoder does
    return {
      options: this.options(version, sender, connects),
      stream,
      changedFrom: changed.changedFrom,
      mutations: changed.mutations,
      chunks: this.split(stream),
      readsLate: random.oneIn(8),
      isCompared: random.oneIn(3),
      isSampled: random.oneIn(32),
    };
  }

  private drawPackets(seeds: readonly Seed[], connect: Buffer | undefined): Buffer[] {
    const packets = Array.from({ length: this.random.oneIn(3) ? 3 : 1 }, () => this.random.pick(seeds).bytes);
    return connect === undefined ? packets : [connect].concat(packets);
  }

  /** One packet is changed, once to three times; a CONNECT that was put in front is not. */
  private mutate(
    packets: Buffer[],
    seeds: readonly Seed[],
  ): Pick<Input, 'stream' | 'changedFrom' | 'mutations'> {
    const { random } = this;
    const place = packets.length - 1 - random.below(packets.length === 1 ? 1 : packets.length - 1);
    const before = packets[place] as Buffer; // inside
    const mutations: string[] = [];
    let packet = before;
    for (let count = random.oneIn(3) ? 3 : 1; count > 0 && packet.length > 0; count--) {
      const name = random.pick(NAMES);
      packet = MUTATIONS[name]?.(packet, random, seeds) ?? packet;
      mutations.push(name);
    }
    const stream = Buffer.concat(packets.with(place, packet));
    const front = packets.slice(0, place).reduce((sum, { length }) => sum + length, 0);
    return { stream, changedFrom: front + firstDifference(before, packet), mutations };
  }

  private options(version: ProtocolVersion, sender: 'client' | 'server', connects: boolean): DecoderOptions {
    const { random } = this;
    const swapped = random.oneIn(32);
    const role = (sender === 'client') === swapped ? 'client' : 'server';
    const read = random.oneIn(16) ? random.pick([3, 4, 5] as const) : version;
    const maximumPacketSize = random.oneIn(2) ? UNLIMITED : random.oneIn(2) ? 1000 : 2 + random.below(60);
    const asked = connects || (role === 'server' && random.oneIn(8));
    const strictStrings = random.oneIn(2);
    const checkWillPayload = random.oneIn(2);
    return asked
      ? { role, maximumPacketSize, strictStrings, checkWillPayload }
      : { role, maximumPacketSize, strictStrings, checkWillPayload, version: read };
  }

  private split(stream: Buffer): Buffer[] {
    const { random } = this;
    // long streams mostly come in the smallest pieces: there it shows when work or memory grows faster than they do
    const way = stream.length > LONG && !random.oneIn(4) ? 3 : random.below(8);
    if (way < 3 || stream.length === 0) return [stream];
    const longest = way === 3 ? 1 : way === 4 ? 3 : Math.max(4, stream.length >> 1);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length;) {
      const end = Math.min(stream.length, at + 1 + random.below(longest));
      chunks.push(stream.subarray(at, end));
      at = end;
    }
    return chunks;
  }
}

function firstDifference(before: Buffer, after: Buffer): number {
  const length = Math.min(before.length, after.length);
  for (let at = 0; at < length; at++) if (before[at] !== after[at]) return at;
  return before.length === after.length ? Infinity : length;
}
