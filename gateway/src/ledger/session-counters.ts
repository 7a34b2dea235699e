import type { LedgerCounters } from '@fieldgate/contracts';

/** What the ledger counts of one connection, in plain numbers: they are on the path of every message. See `LedgerCounters`. */
export class SessionCounters {
  messages = 0;
  received = 0;
  acknowledged = 0;
  unanswered = 0;
  unasked = 0;
  dropped = 0;
  answers = 0;
  private refusedRecords = 0;
  private readonly refused: Record<string, number> = {};

  /** All that another has counted. */
  add(other: SessionCounters): void {
    this.messages += other.messages;
    this.received += other.received;
    this.acknowledged += other.acknowledged;
    this.unanswered += other.unanswered;
    this.unasked += other.unasked;
    this.dropped += other.dropped;
    this.answers += other.answers;
    for (const [code, records] of Object.entries(other.refused)) this.refuse(code, records);
  }

  refuse(code: string, records: number): void {
    this.refusedRecords += records;
    this.refused[code] = (this.refused[code] ?? 0) + records;
  }

  /** Of what was received: what has become one of the others. */
  get settled(): number {
    const { acknowledged, unanswered, unasked, dropped, answers, refusedRecords } = this;
    return acknowledged + unanswered + unasked + dropped + answers + refusedRecords;
  }

  /** Another one after a change. */
  get changes(): number {
    return this.received + this.settled;
  }

  snapshot(): LedgerCounters {
    const { messages, received, acknowledged, unanswered, unasked, dropped, answers, refused } = this;
    return {
      messages,
      received,
      acknowledged,
      unanswered,
      unasked,
      dropped,
      answers,
      refused: { ...refused },
    };
  }
}
