import type { DeliveryLedger } from './delivery-ledger.js';

/** What was sent, against what the store shows; counts of messages. */
export interface DeliveryCounts {
  readonly sent: number;
  readonly acknowledged: number;
  /** Refused by the gateway for good: not a loss, it was told. */
  readonly refused: number;
  /** Neither acknowledged nor refused when the run ended; stored or not, nothing was promised. */
  readonly unacknowledged: number;
  readonly skipped: number;
  /** Different messages that the store shows. */
  readonly stored: number;
  /** Acknowledged, and not in the store. */
  readonly missing: number;
  /** Points that the store shows a second time. */
  readonly duplicated: number;
  /** Points in the store that were never sent. */
  readonly unexpected: number;
}

export interface DeviceDelivery {
  readonly deviceId: string;
  readonly counts: DeliveryCounts;
  /** The first few numbers (`n`) that are missing. */
  readonly missingNumbers: readonly number[];
}

/** `nothing-acknowledged` is no success either: nothing was tried. */
export type Verdict = 'delivered' | 'lost' | 'duplicated' | 'unexpected' | 'nothing-acknowledged';

export interface DeliveryReport {
  readonly verdict: Verdict;
  readonly devices: number;
  readonly counts: DeliveryCounts;
  readonly examples: readonly { readonly deviceId: string; readonly missingNumbers: readonly number[] }[];
}

const MOST_EXAMPLES = 10;

/** Takes the stored numbers of one device, in any order. */
export class StoredNumbers {
  private readonly seen: Uint8Array;
  private stored = 0;
  private duplicated = 0;
  private unexpected = 0;

  constructor(
    private readonly deviceId: string,
    private readonly ledger: DeliveryLedger,
  ) {
    this.seen = new Uint8Array((ledger.sent >> 3) + 1); // a bit per message: a week of seconds is 76 KB
  }

  add(value: unknown): void {
    if (typeof value !== 'number' || !this.ledger.wasSent(value)) {
      this.unexpected++;
      return;
    }
    const bits = this.seen[value >> 3] ?? 0;
    const bit = 1 << (value & 7);
    if ((bits & bit) !== 0) {
      this.duplicated++;
      return;
    }
    this.seen[value >> 3] = bits | bit;
    this.stored++;
  }

  delivery(): DeviceDelivery {
    const { sent, acknowledged, refused, inFlight, skipped } = this.ledger;
    const missingNumbers: number[] = [];
    let missing = 0;
    for (let number = 1; number <= sent; number++) {
      if (this.has(number) || !this.ledger.wasAcknowledged(number)) continue;
      missing++;
      if (missingNumbers.length < MOST_EXAMPLES) missingNumbers.push(number);
    }
    const { stored, duplicated, unexpected } = this;
    const counts = {
      sent,
      acknowledged,
      refused,
      unacknowledged: inFlight,
      skipped,
      stored,
      missing,
      duplicated,
      unexpected,
    };
    return { deviceId: this.deviceId, counts, missingNumbers };
  }

  private has(number: number): boolean {
    return ((this.seen[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }
}

export function deliveryReport(deliveries: readonly DeviceDelivery[]): DeliveryReport {
  const counts = deliveries.reduce((sum, { counts: one }) => addCounts(sum, one), NONE);
  const lossy = deliveries.filter(({ missingNumbers }) => missingNumbers.length > 0);
  return {
    verdict: verdictOf(counts),
    devices: deliveries.length,
    counts,
    examples: lossy
      .slice(0, MOST_EXAMPLES)
      .map(({ deviceId, missingNumbers }) => ({ deviceId, missingNumbers })),
  };
}

export function isGood(report: DeliveryReport): boolean {
  return report.verdict === 'delivered';
}

const NONE: DeliveryCounts = {
  sent: 0,
  acknowledged: 0,
  refused: 0,
  unacknowledged: 0,
  skipped: 0,
  stored: 0,
  missing: 0,
  duplicated: 0,
  unexpected: 0,
};

function addCounts(a: DeliveryCounts, b: DeliveryCounts): DeliveryCounts {
  return {
    sent: a.sent + b.sent,
    acknowledged: a.acknowledged + b.acknowledged,
    refused: a.refused + b.refused,
    unacknowledged: a.unacknowledged + b.unacknowledged,
    skipped: a.skipped + b.skipped,
    stored: a.stored + b.stored,
    missing: a.missing + b.missing,
    duplicated: a.duplicated + b.duplicated,
    unexpected: a.unexpected + b.unexpected,
  };
}

function verdictOf(counts: DeliveryCounts): Verdict {
  if (counts.missing > 0) return 'lost';
  if (counts.duplicated > 0) return 'duplicated';
  if (counts.unexpected > 0) return 'unexpected';
  return counts.acknowledged > 0 ? 'delivered' : 'nothing-acknowledged';
}

const VERDICTS: Record<Verdict, string> = {
  delivered: 'every acknowledged message is in the store, and none is there twice',
  lost: 'ACKNOWLEDGED MESSAGES ARE MISSING in the store',
  duplicated: 'messages are in the store MORE THAN ONCE',
  unexpected: 'the store holds messages that were never sent',
  'nothing-acknowledged': 'no message was acknowledged: nothing has been tried',
};

/** For a person at a terminal. */
export function reportText({ verdict, devices, counts, examples }: DeliveryReport): string {
  const lines = Object.entries({ devices, ...counts }).map(
    ([name, count]) => `  ${name.padEnd(15)}${count.toLocaleString('en').padStart(12)}`,
  );
  const missing = examples.map(
    ({ deviceId, missingNumbers }) => `  missing of ${deviceId}: n = ${missingNumbers.join(', ')}, …`,
  );
  return ['Delivery', ...lines, ...missing, `Result: ${VERDICTS[verdict]}.`].join('\n');
}
