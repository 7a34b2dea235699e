import { deadLetterRecordSchema } from '@fieldgate/contracts';
import { endsOfLog, readRecords, type Offsets } from './evidence.js';
import type { FaultContext } from './fault-case.js';

const DEAD_LETTERS = 'fieldgate.dead-letters.v1';

export interface DeadLetter {
  readonly code: string;
  readonly detail: string;
  /** Of the record that was refused: `partition/offset`. */
  readonly place: string;
  readonly payload: Buffer;
}

/** What the storage group refuses from now on; each record once, however often it was refused. */
export async function deadLettersFromNow({
  services: { kafka, admin },
}: FaultContext): Promise<() => Promise<readonly DeadLetter[]>> {
  const from: Offsets = await endsOfLog(admin, DEAD_LETTERS);
  return async () => {
    const records = await readRecords(kafka, DEAD_LETTERS, from, await endsOfLog(admin, DEAD_LETTERS));
    const letters = new Map<string, DeadLetter>();
    for (const { value } of records) {
      const { id, data } = deadLetterRecordSchema.parse(JSON.parse(String(value)));
      const { code, detail, origin, payload } = data;
      if (origin.kind !== 'log' || origin.group !== 'fieldgate.storage') continue;
      const place = `${origin.partition}/${origin.offset}`;
      letters.set(id, { code, detail, place, payload: Buffer.from(payload, 'base64') });
    }
    return [...letters.values()];
  };
}

/** Every bad message of the load has one, with the store's own reason, and no other message has. */
export function checkRefused(
  { load, check }: FaultContext,
  letters: readonly DeadLetter[],
  reason: RegExp,
): void {
  const expected = new Set(
    load.devices.flatMap(({ id, bad, acknowledged }) =>
      [...bad].filter((n) => acknowledged.has(n)).map((n) => `${id} ${n}`),
    ),
  );
  check(expected.size > 0, 'no bad message was sent');
  const found = letters.map(({ payload }) => {
    const record = JSON.parse(String(payload)) as { subject: string; data: { readings: { n: number } } }; // as the load sends it
    return `${record.subject} ${record.data.readings.n}`;
  });
  const missing = [...expected].filter((name) => !found.includes(name));
  const others = found.filter((name) => !expected.has(name));
  check(missing.length === 0, `${missing.length} refused messages have no dead letter: ${missing[0]}`);
  check(others.length === 0, `${others.length} good messages were refused: ${others[0]}`);
  const wrong = letters.filter(({ code, detail }) => code !== 'store-refused' || !reason.test(detail));
  check(wrong.length === 0, `a dead letter says ${wrong[0]?.code}: ${wrong[0]?.detail}`);
}
