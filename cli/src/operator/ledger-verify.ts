import { FieldgateError } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import { z } from 'zod';
import type { ApiClient } from './api-client.js';

const count = z.number();
const missingSchema = z.looseObject({
  deviceId: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  appendedAt: z.string(),
  id: z.string().optional(),
  time: z.string().optional(),
  metrics: z.array(z.string()),
});
const verifiedSchema = z.object({
  from: z.string(),
  to: z.string(),
  checked: count,
  stored: count,
  refused: count,
  duplicates: count,
  pending: count,
  missingTotal: count,
  missing: z.array(missingSchema),
  readingsFrom: z.string().optional(),
  next: z.string().optional(),
});
type Answer = z.output<typeof verifiedSchema>;
export type Verified = Omit<Answer, 'next'>;

export interface VerifyRequest {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly device?: string | undefined;
  readonly limit: number;
}

/** Tries of one part, some 20 s in all: a restart of the API must not cost what was read before. */
const TRIES = 8;

/** Call after call, each going on where the one before had come to; the range stays that of the first. `told`: how far it is. */
export async function verifyLedger(
  api: ApiClient,
  { from, to, device, limit }: VerifyRequest,
  told: (line: string) => void,
): Promise<Verified> {
  const ask = (part: { from?: string | undefined; to?: string | undefined; start?: string }) =>
    api.get('/v1/ledger/verify', verifiedSchema, { ...part, device, limit });
  let { next, ...sum } = await ask({ from, to });
  while (next !== undefined) {
    const start: string = next;
    told(`${sum.checked} records so far, ${sum.missingTotal} missing; going on at ${start}`);
    const more: Answer = await triedAgain(() => ask({ from: sum.from, to: sum.to, start }), told);
    sum = added(sum, more, limit);
    next = more.next;
  }
  return sum;
}

async function triedAgain<T>(work: () => Promise<T>, told: (line: string) => void): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FieldgateError) || !error.retriable || attempt >= TRIES) throw error;
      told(`${error.message}; trying again`);
      await pause(backOffMs(attempt));
    }
  }
}

function added(sum: Verified, more: Answer, limit: number): Verified {
  const readingsFrom = later(sum.readingsFrom, more.readingsFrom);
  return {
    from: sum.from,
    to: sum.to,
    checked: sum.checked + more.checked,
    stored: sum.stored + more.stored,
    refused: sum.refused + more.refused,
    duplicates: sum.duplicates + more.duplicates,
    pending: sum.pending + more.pending,
    missingTotal: sum.missingTotal + more.missingTotal,
    missing: sum.missing.concat(more.missing).slice(0, limit),
    ...(readingsFrom === undefined ? {} : { readingsFrom }),
  };
}

/** The log may have dropped more meanwhile. */
function later(one: string | undefined, two: string | undefined): string | undefined {
  if (one === undefined || two === undefined) return one ?? two;
  return one > two ? one : two;
}
