import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PacketType, typeName, typeOf } from './packet-bytes.js';

/** One conversation with a broker. */
export interface VectorCase {
  readonly file: string;
  readonly group: string;
  readonly name: string;
  readonly version: 3 | 4 | 5;
  /** Whether an ordinary CONNECT comes first; otherwise the case starts with its own bytes. */
  readonly connectFirst: boolean;
  readonly steps: readonly Step[];
  /** After the last step the broker closes the connection; otherwise it still answers. */
  readonly mustClose: boolean;
}

export type Step =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  | { readonly kind: 'receive'; readonly bytes: Buffer }
  /** By a second client. */
  | { readonly kind: 'publish'; readonly topic: string; readonly qos: number; readonly payload: string };

interface Group {
  readonly group: string;
  readonly tests: readonly WrittenCase[];
}

/** As it stands in the files. */
interface WrittenCase {
  readonly name: string;
  readonly ver?: 3 | 4 | 5;
  readonly connect?: boolean;
  readonly expect_disconnect?: boolean;
  readonly msgs: readonly (
    | { readonly type: 'send' | 'recv'; readonly payload: string }
    | { readonly type: 'publish'; readonly topic: string; readonly qos: number; readonly payload: string }
  )[];
}

/** Those of every file of the folder, in the order of the names, or those of one file. */
export async function loadVectors(folder: string, only?: string): Promise<readonly VectorCase[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json') && (only ?? name) === name);
  if (names.length === 0) throw new Error(`no vectors in ${folder}${only === undefined ? '' : `/${only}`}`);
  const files = await Promise.all(names.sort().map((file) => loadFile(folder, file)));
  return files.flat();
}

/** Of the packet that is put to the test: the last one that is sent. */
export function packetTypeOf({ steps }: VectorCase): string {
  const last = steps.findLast((step) => step.kind === 'send');
  return last ? typeName(last.bytes) : 'none';
}

/** Could meet another case: it brings its own client id, subscribes, or leaves a message for whoever subscribes. */
export function needsTheBrokerAlone({ steps }: VectorCase): boolean {
  return steps.some((step) => {
    if (step.kind !== 'send') return step.kind === 'publish';
    const type = typeOf(step.bytes);
    const retained = type === PacketType.PUBLISH && ((step.bytes[0] ?? 0) & 1) === 1;
    return type === PacketType.CONNECT || type === PacketType.SUBSCRIBE || retained;
  });
}

async function loadFile(folder: string, file: string): Promise<readonly VectorCase[]> {
  const groups = JSON.parse(await readFile(join(folder, file), 'utf8')) as readonly Group[]; // files of our own copy
  return groups.flatMap(({ group, tests }) => tests.map((test) => vectorCase(file, group, test)));
}

function vectorCase(file: string, group: string, written: WrittenCase): VectorCase {
  return {
    file,
    group,
    name: written.name,
    version: written.ver ?? (group.startsWith('v5') ? 5 : 4),
    connectFirst: written.connect ?? true,
    mustClose: written.expect_disconnect ?? true,
    steps: written.msgs.map((step) =>
      step.type === 'publish'
        ? { kind: 'publish', topic: step.topic, qos: step.qos, payload: step.payload }
        : {
            kind: step.type === 'send' ? 'send' : 'receive',
            bytes: Buffer.from(step.payload.replaceAll(' ', ''), 'hex'),
          },
    ),
  };
}
