import type { ArrivedTopic } from './connection-handler.js';

/** Topic aliases that the client has set on this connection (MQTT 5, 3.3.2.3.4). */
export class TopicAliases {
  private readonly topics = new Map<number, ArrivedTopic>();

  constructor(private readonly maximum: number) {}

  /** The topic of a PUBLISH with an alias; undefined when the alias is too large, or stands for nothing ([MQTT-3.3.2-9] and 0x82 or 0x94). */
  resolve(alias: number, bytes: Buffer, topic: () => string): ArrivedTopic | undefined {
    if (alias > this.maximum) return undefined;
    if (bytes.length === 0) return this.topics.get(alias);
    const text = topic();
    const known: ArrivedTopic = { bytes: Buffer.from(bytes), toString: () => text }; // a copy: the chunk it came in must not live on
    this.topics.set(alias, known);
    return known;
  }

  isInRange(alias: number): boolean {
    return alias <= this.maximum;
  }
}
