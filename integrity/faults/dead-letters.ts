import { deadLetterRecordSchema, STORAGE_GROUP } from '@fieldgate/contracts';
import { endsOfLog, readRecords, type Offsets } from './evidence.js';
import type { FaultContext } from './fault-case.js';
import type { LoadDevice } from './load-device.js';

const DEAD_LETTERS = 'fieldgate.dead-letters.v1';

export interface DeadLetter {
  readonly device: string;
  readonly code: string;
  readonly detail: string;
  /** Of the record that the storage group has refused: `partition/offset`. */
  readonly place: string | undefined;
  readonly payload: Buffer;
}

/** What the storage group or the gateways refuse from now on; each record once, however often it was refused. */
export async function deadLettersFromNow(
  { services: { kafka, admin } }: FaultContext,
  by: 'storage' | 'gateways',
): Promise<() => Promise<readonly DeadLetter[]>> {
  const from: Offsets = await endsOfLog(admin, DEAD_LETTERS);
  return async () => {
    const records = await readRecords(kafka, DEAD_LETTERS, from, await endsOfLog(admin, DEAD_LETTERS));
    const letters = new Map<string, DeadLetter>();
    for (const { value } of records) {
      const { id, subject, data } = deadLetterRecordSchema.parse(JSON.parse(String(value)));
      const { code, detail, origin, payload } = data;
      if (origin.kind === 'log' ? by === 'gateways' || origin.group !== STORAGE_GROUP : by === 'storage')
        continue;
      const place = origin.kind === 'log' ? `${origin.partition}/${origin.offset}` : undefined;
      letters.set(id, { device: subject, code, detail, place, payload: Buffer.from(payload, 'base64') });
    }
    return [...letters.values()];
  };
}

interface Refusing {
  readonly load: {
    readonly devices: readonly Pick<LoadDevice, 'id' | 'bad' | 'acknowledged' | 'refused'>[];
  };
  readonly check: FaultContext['check'];
}

/** Every bad message of the load that was answered has one, with this code and reason, and no other message has. */
export function checkRefused(
  { load, check }: Refusing,
  letters: readonly DeadLetter[],
  why: { readonly code: string; readonly detail: RegExp },
): void {
  const expected = new Set(
    load.devices.flatMap(({ id, bad, acknowledged, refused }) =>
      [...bad].filter((n) => acknowledged.has(n) || refused.has(n)).map((n) => `${id} ${n}`),
    ),
  );
  check(expected.size > 0, 'no bad message was sent');
  const found = new Set(letters.map((letter) => `${letter.device} ${numberIn(letter)}`));
  const missing = [...expected].filter((name) => !found.has(name));
  const others = [...found].filter((name) => !expected.has(name));
  check(missing.length === 0, `${missing.length} refused messages have no dead letter: ${missing[0]}`);
  check(others.length === 0, `${others.length} good messages were refused: ${others[0]}`);
  const wrong = letters.filter(({ code, detail }) => code !== why.code || !why.detail.test(detail));
  check(wrong.length === 0, `a dead letter says ${wrong[0]?.code}: ${wrong[0]?.detail}`);
}

/** Of the load: in a record, as the storage group refuses it, or as the device has sent it. */
function numberIn({ payload }: DeadLetter): number | undefined {
  interface Message {
    readonly readings?: { readonly n: number };
  }
  const sent = JSON.parse(String(payload)) as Message & { readonly data?: Message }; // as the load sends it
  return (sent.data ?? sent).readings?.n;
}
