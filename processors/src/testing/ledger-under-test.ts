import {
  encodeDeadLetter,
  encodeEvent,
  encodeLedgerReport,
  encodeTelemetry,
  identify,
  mintedId,
  noCounters,
  telemetryWriter,
  type DeviceLedger,
  type LedgerReport,
  type LogTopic,
} from '@fieldgate/contracts';
import { appended, type LogBatch } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger, type Logger } from '@fieldgate/service';
import { LedgerLane } from '../ledger/ledger-lane.js';
import { makeAnew } from './make-anew.js';
import { batchOf, heldAssignment } from './written.js';

export const START = Date.parse('2026-11-20T21:30:00.000Z');
export const TELEMETRY = 'fieldgate.telemetry.v1';
const NOBODY = createLogger({ level: 'silent' });

/** A log with what gateways write of `pump-7`, and what is counted of it. Every record is 10 ms later than the one before. */
export class LedgerUnderTest {
  readonly clock = { ms: START, now: (): number => this.clock.ms };
  readonly log: MemoryLog;
  private minted = 0;
  private isAnew = false;
  /** Whether the next holder knows that the group takes it for a member. */
  isAlone = true;

  constructor(partitions = 1) {
    this.log = createMemoryLog({ clock: this.clock, partitions });
  }

  async start(): Promise<this> {
    await this.log.start();
    return this;
  }

  async write(topic: LogTopic, value: Uint8Array, key = 'pump-7'): Promise<number> {
    return (await appended(this.log.writer, { topic, key, value })).offset;
  }

  /** As a gateway writes it; `agoMs`: measured so long before it came; `minted`: its number in an id of the gateway. */
  reading(
    seq?: number,
    more: { agoMs?: number; connection?: string; id?: string; key?: string; minted?: number } = {},
  ): Promise<number> {
    const { agoMs = 1, connection = 'one', id, key = 'pump-7', minted = (this.minted += 1) } = more;
    this.clock.ms += 10;
    const ts = this.clock.ms - agoMs;
    const message = {
      readings: { n: 1 },
      ts,
      ...(seq === undefined ? {} : { seq }),
      ...(id === undefined ? {} : { id }),
    };
    const identity = identify(message, this.clock.ms, () => mintedId('boot', minted));
    const value = encodeTelemetry(telemetryWriter(key, 'gw-1', connection), message, identity, this.clock.ms);
    return this.write(TELEMETRY, value, key);
  }

  event(seq: number, name = 'hot', connection?: string, key = 'pump-7'): Promise<number> {
    this.clock.ms += 10;
    const told = { deviceId: key, event: name, state: 'raised', severity: 'info', seq } as const;
    const over = connection === undefined ? {} : { connection };
    const identity = { id: `e-${this.clock.ms}`, timeMs: this.clock.ms };
    const value = encodeEvent({ ...told, ...over }, identity, this.clock.ms);
    return this.write('fieldgate.events.v1', value, key);
  }

  /** Of a gateway. */
  letter(id: string, more: { connection?: string; elements?: readonly number[] } = {}): Promise<number> {
    const { connection = 'one', elements } = more;
    this.clock.ms += 10;
    const from = { kind: 'mqtt', topic: 't', qos: 1 } as const;
    const value = encodeDeadLetter({
      deviceId: 'pump-7',
      id,
      code: 'payload-not-json',
      detail: '',
      payload: Buffer.from('x'),
      atMs: this.clock.ms,
      connection,
      origin: elements === undefined ? from : { ...from, elements: Array.from(elements) },
    });
    return this.write('fieldgate.dead-letters.v1', value);
  }

  report(
    counters: Partial<LedgerReport['counters']>,
    more: Partial<LedgerReport> = {},
    key = 'pump-7',
  ): Promise<number> {
    const of = {
      connection: 'one',
      gateway: 'gw-1',
      boot: 'b00t',
      number: 1,
      from: START,
      to: this.clock.ms,
      final: false,
    };
    const report = { ...of, ...more, counters: { ...noCounters(), ...counters } };
    return this.write('fieldgate.ledger.v1', encodeLedgerReport(key, report), key);
  }

  /** Of two devices: readings, events and reports, with ids and numbers that come twice. */
  async history(): Promise<void> {
    for (let seq = 0; seq < 40; seq += 1) {
      if (seq % 7 !== 0)
        await this.reading(seq, {
          connection: `c-${seq % 3}`,
          id: `r-${seq % 30}`,
          key: seq % 5 === 0 ? 'pump-8' : 'pump-7',
        });
      if (seq % 4 === 0) await this.event(1_000 + seq, 'hot', 'c-0');
      if (seq % 6 === 0) await this.report({ received: seq }, { connection: 'c-0', number: seq });
    }
  }

  /** From now on the topic is a new one, and empty. `isTold`: the group has seen it. */
  makeAnew(topic: LogTopic, isTold = false): void {
    makeAnew(this.log, topic, this.clock);
    this.isAnew = isTold;
  }

  /** All that is in the log now, counted by a new holder of the partition; `from` is the offset of the group. */
  async recovered(from = 0, logger: Logger = NOBODY): Promise<{ lane: LedgerLane; batch: LogBatch }> {
    const assignment = {
      ...heldAssignment(TELEMETRY),
      isAnew: () => this.isAnew,
      isAlone: () => this.isAlone,
    };
    const batch = await batchOf(this.log, TELEMETRY, from, assignment);
    const { log, clock } = this;
    return { lane: await LedgerLane.recover(batch, { log, clock, logger }), batch };
  }

  async counted(from = 0, logger?: Logger): Promise<LedgerLane> {
    const { lane, batch } = await this.recovered(from, logger);
    await lane.follow(batch.records);
    const [bounds] = await this.log.reader.bounds(TELEMETRY);
    await lane.followSide(bounds?.end ?? 0);
    return lane;
  }
}

export function ledgerOf(
  lane: LedgerLane,
  id = 'pump-7',
): Pick<DeviceLedger, 'connections' | 'earlier' | 'others' | 'sequence'> {
  const device = lane.devices.get(id);
  if (!device) throw new Error(`${id} is not counted`);
  return device.ledger();
}

/** A logger, and what it has said. */
export function heardLogger(): { readonly logger: Logger; readonly lines: unknown[] } {
  const lines: unknown[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line));
  return { logger: createLogger({ level: 'info' }, { write }), lines };
}
