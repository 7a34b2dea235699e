import type { Operator } from '../support/operator.js';

interface Answer {
  readonly pending: number;
  readonly missingTotal: number;
  readonly next?: string;
}

/** Whether `GET /v1/ledger/verify` finds everything in the store that came into the log from a time (epoch ms) on: the product's own oracle. */
export async function isVerified(operator: Operator, fromMs: number): Promise<boolean> {
  const range = `from=${fromMs}&to=${Date.now() + 60_000}`;
  let start: string | undefined;
  do {
    const path: string = start === undefined ? range : `${range}&start=${start}`;
    const { status, body }: { status: number; body: Answer } = await operator.call<Answer>(
      'GET',
      `/v1/ledger/verify?${path}`,
    );
    if (status !== 200 || body.pending + body.missingTotal > 0) return false;
    start = body.next;
  } while (start !== undefined);
  return true;
}
