import { appended, HANDLED, type LogPosition } from '@fieldgate/commit-log';
import { encodeTelemetry, STORAGE_GROUP, telemetryWriter, type LogTopic } from '@fieldgate/contracts';
import { VERIFIED_TOPICS, verifiedRecord } from '../ledger/verify-records.js';
import { ApiUnderTest, NOW } from './api-under-test.js';
import { saidName } from './memory-store.js';

export const HALF_HOUR = NOW - 1_800_000;
export const TELEMETRY = 'fieldgate.telemetry.v1';

export interface Sent {
  readonly at: LogPosition;
  readonly lose: () => void;
}

/** A log that was written half an hour ago, and the store beside it. */
export class VerifiedLog {
  readonly api = new ApiUnderTest();

  async start(): Promise<this> {
    await (await this.api.start()).ready();
    this.api.clock.ms = HALF_HOUR;
    return this;
  }

  stop(): Promise<void> {
    return this.api.stop();
  }

  append(topic: LogTopic, deviceId: string, value: Uint8Array | null): Promise<LogPosition> {
    return appended(this.api.log.writer, { topic, key: deviceId, value });
  }

  /** A reading that is in the log, and in the store until it is lost. */
  reading(
    deviceId: string,
    id: string,
    { timeMs = this.api.clock.ms - 5_000, isStored = true } = {},
  ): Promise<Sent> {
    const message = { id, readings: { temperature: 71.5, speed: 3 } };
    const writer = telemetryWriter(deviceId, 'gw-1');
    const value = encodeTelemetry(writer, message, { id, timeMs }, this.api.clock.ms - 1_000);
    return this.stored(TELEMETRY, deviceId, value, isStored);
  }

  async stored(topic: LogTopic, deviceId: string, value: Uint8Array, isStored = true): Promise<Sent> {
    const at = await this.append(topic, deviceId, value);
    const { store } = this.api;
    const entry = verifiedRecord({ ...at, topic, key: deviceId, value, timestampMs: 0 });
    if (typeof entry !== 'object' || (entry.kind !== 'telemetry' && entry.kind !== 'event'))
      throw new Error(`not what a device says: ${topic}`);
    if (isStored) await store.write([entry]);
    return { at, lose: () => store.said.delete(saidName(entry)) };
  }

  /** The storage group has come to the end of the log; now is half an hour later. */
  async storageHasPassed(): Promise<void> {
    const { api } = this;
    const storage = await api.log.reader.consume(
      STORAGE_GROUP,
      VERIFIED_TOPICS,
      async () => HANDLED,
      (error) => {
        throw error;
      },
    );
    for (const topic of VERIFIED_TOPICS)
      while ((await api.log.reader.lag(STORAGE_GROUP, topic)) > 0)
        await new Promise((resolve) => setImmediate(resolve));
    await storage.stop();
    api.clock.ms = NOW;
  }

  async verified(query = ''): Promise<Record<string, unknown>> {
    const { status, body } = await this.api.call(`GET /v1/ledger/verify${query}`);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body as Record<string, unknown>; // an object, as `call` has checked
  }

  /** Answer after answer, each going on where the one before had come to. */
  async verifiedInParts(query: string): Promise<Record<string, unknown>[]> {
    const answers: Record<string, unknown>[] = [];
    let start = '';
    for (;;) {
      const answer = await this.verified(`${query}${start}`);
      answers.push(answer);
      const { next } = answer;
      if (typeof next !== 'string') return answers;
      start = `&start=${next}`;
    }
  }
}

export function sumOf(answers: readonly Record<string, unknown>[], name: string): number {
  return answers.reduce((total, each) => total + Number(each[name]), 0);
}
