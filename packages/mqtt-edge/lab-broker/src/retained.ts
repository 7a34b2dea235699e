import { hasExpired, sizeOf, type StoredMessage } from './stored-message.js';

export interface RetainedLimits {
  readonly messages: number;
  readonly bytes: number;
}

interface Kept {
  readonly message: StoredMessage;
  readonly levels: readonly string[];
  readonly bytes: number;
}

/** The last retained message of each topic, up to a number and a size of all of them. */
export class RetainedMessages {
  private readonly byTopic = new Map<string, Kept>();
  private bytes = 0;

  constructor(private readonly limits: RetainedLimits) {}

  get size(): number {
    return this.byTopic.size;
  }

  /** An empty payload takes the topic's message away ([MQTT-3.3.1-6]). False: there is no room for it. */
  keep(message: StoredMessage): boolean {
    const before = this.byTopic.get(message.topic);
    const bytes = sizeOf(message);
    if (message.payload.length === 0) {
      this.forget(message.topic);
      return true;
    }
    const isFull = before === undefined && this.byTopic.size >= this.limits.messages;
    if (isFull || this.bytes - (before?.bytes ?? 0) + bytes > this.limits.bytes) return false;
    this.forget(message.topic);
    this.byTopic.set(message.topic, { message, levels: message.topic.split('/'), bytes });
    this.bytes += bytes;
    return true;
  }

  /** Those that a new subscription gets. */
  matching(filter: string, now: number): readonly StoredMessage[] {
    if (!filter.includes('#') && !filter.includes('+')) {
      const kept = this.byTopic.get(filter);
      return kept && !hasExpired(kept.message, now) ? [kept.message] : [];
    }
    const levels = filter.split('/');
    const found: StoredMessage[] = [];
    for (const kept of this.byTopic.values())
      if (matches(levels, kept.levels) && !hasExpired(kept.message, now)) found.push(kept.message);
    return found;
  }

  /** [MQTT-3.3.2-5]; to be called now and then, so that expired ones give their room back. */
  sweep(now: number): void {
    for (const [topic, { message }] of this.byTopic) if (hasExpired(message, now)) this.forget(topic);
  }

  private forget(topic: string): void {
    this.bytes -= this.byTopic.get(topic)?.bytes ?? 0;
    this.byTopic.delete(topic);
  }
}

function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const isWild = filter[0] === '#' || filter[0] === '+';
  if (isWild && topic[0]?.startsWith('$')) return false; // [MQTT-4.7.2-1]
  for (const [depth, level] of filter.entries()) {
    if (level === '#') return true;
    if (depth >= topic.length || (level !== '+' && level !== topic[depth])) return false;
  }
  return filter.length === topic.length;
}
