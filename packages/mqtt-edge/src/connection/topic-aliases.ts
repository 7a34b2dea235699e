/** Topic aliases that the client has set on this connection (MQTT 5, 3.3.2.3.4). */
export class TopicAliases {
  /** Made with the first. */
  private topics: Map<number, string> | undefined;

  constructor(readonly maximum: number) {}

  /** [MQTT-3.3.2-9]: 0x94 when it is not. */
  isInRange(alias: number): boolean {
    return alias <= this.maximum;
  }

  /** The topic of a PUBLISH with an alias in range; undefined when the alias stands for nothing (0x82). */
  resolve(alias: number, topic: string): string | undefined {
    if (topic === '') return this.topics?.get(alias);
    (this.topics ??= new Map()).set(alias, topic);
    return topic;
  }
}
