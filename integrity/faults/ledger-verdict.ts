import type { Operator } from '../support/operator.js';
import type { DeviceBooks } from './oracle.js';

type Asked = Pick<Operator, 'call'>;

interface Verified {
  readonly checked: number;
  readonly pending: number;
  readonly missingTotal: number;
  readonly next?: string;
}

/** Characters of an answer that is not right. */
const MOST_SHOWN = 1_500;
/** Each is a question of its own. */
const MOST_ASKED = 50;

interface Ledger {
  readonly unaccounted: number;
  readonly totals: {
    readonly log: {
      readonly inLog: number;
      readonly duplicates: number;
      readonly stored: number;
      readonly waiting: number;
    };
  };
  /** The newest first. */
  readonly connections: readonly { readonly counters: string }[];
}

/** What `GET /v1/ledger/verify` says of everything that came into the log from a time (epoch ms) on: the product's own oracle. */
export class Verification {
  /** What the last answer lacks. */
  wrong: string | undefined;

  constructor(
    private readonly operator: Asked,
    private readonly fromMs: number,
    private readonly atLeast: number,
  ) {}

  /** Whether it has looked at so many records at least, and found all of them in the store. */
  async isWhole(): Promise<boolean> {
    const range = `from=${this.fromMs}&to=${Date.now() + 60_000}`;
    let start: string | undefined;
    let checked = 0;
    do {
      const path: string = start === undefined ? range : `${range}&start=${start}`;
      const { status, body }: { status: number; body: Verified } = await this.operator.call<Verified>(
        'GET',
        `/v1/ledger/verify?${path}`,
      );
      if (status !== 200 || body.pending + body.missingTotal > 0) {
        this.wrong = `ledger verify answers ${status} ${JSON.stringify(body)?.slice(0, MOST_SHOWN)}`;
        return false;
      }
      checked += body.checked;
      start = body.next;
    } while (start !== undefined);
    this.wrong = checked >= this.atLeast ? undefined : `ledger verify has looked at ${checked} records`;
    return this.wrong === undefined;
  }
}

/** Acknowledged, and neither refused nor damaged, nor gone by hand: of each device what came before a number. */
export function recordsOwed(books: readonly DeviceBooks[], gone: ReadonlyMap<string, number>): number {
  return books.reduce((sum, { id, acknowledged, bad, spoilt }) => {
    const from = gone.get(id) ?? 0;
    return sum + [...acknowledged].filter((n) => n >= from && !bad.has(n) && spoilt?.has(n) !== true).length;
  }, 0);
}

/** What `GET /v1/devices/{id}/ledger` says of devices whose connections have ended: not of those with damaged messages, and not of all of many. */
export class LedgersOf {
  /** Of the first that is not right. */
  wrong: string | undefined;
  private readonly left: DeviceBooks[];

  constructor(
    private readonly operator: Asked,
    books: readonly DeviceBooks[],
  ) {
    this.left = books.filter(({ spoilt }) => (spoilt?.size ?? 0) === 0).slice(0, MOST_ASKED);
  }

  /** Those that were right are not asked for again. */
  async areRight(): Promise<boolean> {
    for (let [device] = this.left; device; [device] = this.left) {
      this.wrong = await wrongInLedger(this.operator, device);
      if (this.wrong !== undefined) return false;
      this.left.shift();
    }
    return true;
  }
}

/** It has all that was acknowledged, in the log and in the store, and all that a gateway has counted. Of connections that ended with their gateway there may be no count. */
async function wrongInLedger(operator: Asked, device: DeviceBooks): Promise<string | undefined> {
  const { id, acknowledged, bad } = device;
  const { status, body } = await operator.call<Ledger>('GET', `/v1/devices/${id}/ledger`);
  if (status !== 200) return `the ledger of ${id} answers ${status}`;
  const { unaccounted, totals, connections } = body;
  const good = [...acknowledged].filter((n) => !bad.has(n)).length;
  const counters = connections[0]?.counters;
  const { inLog, duplicates, stored, waiting } = totals.log;
  const isWhole = inLog - duplicates >= good && stored >= good && waiting === 0;
  if (unaccounted === 0 && counters === 'final' && isWhole) return undefined;
  return `the ledger of ${id}: ${unaccounted} unaccounted, of ${good} acknowledged ${inLog - duplicates} in the log (and ${duplicates} copies), ${stored} stored, ${waiting} waiting, newest count ${counters}`;
}
