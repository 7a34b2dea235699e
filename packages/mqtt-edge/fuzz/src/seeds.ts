import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encode, PROPERTY_TABLE, type ProtocolVersion, type Role } from '@fieldgate/mqtt-edge';
import { packetsWith, sampleProperties } from './sample-packets.js';

/** One packet to start from. */
export interface Seed {
  readonly bytes: Buffer;
  readonly version: ProtocolVersion;
  readonly sender: Role;
}

/** Seeds of one version and sender belong into one stream. */
export type Corpus = readonly {
  readonly version: ProtocolVersion;
  readonly sender: Role;
  readonly seeds: readonly Seed[];
}[];

/** The part of a vector file that matters here. */
interface Group {
  readonly group: string;
  readonly tests: readonly {
    readonly ver?: ProtocolVersion;
    readonly msgs: readonly { readonly type: 'send' | 'recv' | 'publish'; readonly payload: string }[];
  }[];
}

const VECTORS = fileURLToPath(new URL('../../conformance/data', import.meta.url));

/** What the wire vectors send and expect, and packets of every type with and without each property. */
export function loadCorpus(): Corpus {
  const seeds = vectorSeeds().concat(encodedSeeds());
  // MQTT 5 has most to get wrong, so it comes twice as often
  return ([3, 4, 5, 5] as const).flatMap((version) =>
    (['client', 'server'] as const).map((sender) => ({
      version,
      sender,
      seeds: seeds.filter((seed) => seed.version === version && seed.sender === sender),
    })),
  );
}

function vectorSeeds(): Seed[] {
  const files = readdirSync(VECTORS).filter((name) => name.endsWith('.json'));
  return files.toSorted().flatMap((file) => {
    const groups = JSON.parse(readFileSync(join(VECTORS, file), 'utf8')) as readonly Group[]; // our own copy
    return groups.flatMap(({ group, tests }) =>
      tests.flatMap(({ ver, msgs }) =>
        msgs
          .filter(({ type }) => type !== 'publish')
          .map(({ type, payload }) => ({
            bytes: Buffer.from(payload.replaceAll(' ', ''), 'hex'),
            version: ver ?? (group.startsWith('v5') ? 5 : 4),
            sender: type === 'send' ? ('client' as const) : ('server' as const),
          })),
      ),
    );
  });
}

function encodedSeeds(): Seed[] {
  const names = [...new Set(PROPERTY_TABLE.map((row) => row.name))];
  const variants = names.map((name) => ({ [name]: sampleProperties[name] })).concat({}, sampleProperties);
  return ([3, 4, 5] as const).flatMap((version) =>
    (['client', 'server'] as const).flatMap((sender) =>
      (version === 5 ? variants : [{}])
        .flatMap((properties) => packetsWith(properties, version, sender))
        .map((packet) => ({ bytes: encode(packet, version, sender), version, sender })),
    ),
  );
}
