/** Topic aliases that the client has set on this connection (MQTT 5, 3.3.2.3.4). */
export class TopicAliases {
  /** Made with the first. */
  private topics: Map<number, string> | undefined;

  constructor(readonly maximum: number) {}

  /** The topic of a PUBLISH with an alias; undefined when the alias is too large, or stands for nothing ([MQTT-3.3.2-9] and 0x82 or 0x94). */
  resolve(alias: number, topic: string): string | undefined {
    if (alias > this.maximum) return undefined;
    if (topic === '') return this.topics?.get(alias);
    (this.topics ??= new Map()).set(alias, topic);
    return topic;
  }

  isInRange(alias: number): boolean {
    return alias <= this.maximum;
  }
}
