import {
  encodeEvent,
  encodeTableRow,
  GATEWAY_LOST_MS,
  sessionRecordSchema,
  tableRows,
  type GatewayHeartbeat,
  type SessionRecord,
} from '@fieldgate/contracts';
import {
  appended,
  type CommitLog,
  type HeardGateways,
  type LogBatch,
  type LogTable,
  type PartitionAssignment,
} from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { Refusal } from '../delivery/deliver-batch.js';

const lostTotal = new Counter({
  name: 'fieldgate_presence_lost_sessions_total',
  help: 'Sessions ended because their gateway had fallen silent',
});

interface Partition {
  readonly assignment: PartitionAssignment;
  /** Only sessions that are connected, by device. */
  readonly connected: Map<string, SessionRecord>;
}

const readSession = tableRows('fieldgate.sessions.v1', sessionRecordSchema);

/** Heartbeats of runs that have been silent for so long are removed. */
const FORGET_MS = 10 * GATEWAY_LOST_MS;

/** Ends the sessions of gateways that have died without a word: a gateway silent for 15 s held connections that are no more. */
export class WatchGateways {
  private readonly partitions = new Map<number, Partition>();

  constructor(
    private readonly parts: {
      readonly log: CommitLog;
      readonly gateways: LogTable<GatewayHeartbeat>;
      readonly heard: HeardGateways;
      readonly clock: Clock;
      readonly logger: Logger;
    },
  ) {}

  async follow(batch: LogBatch): Promise<readonly Refusal[]> {
    const partition = await this.partitionOf(batch);
    const refused: Refusal[] = [];
    for (const [index, { key, value }] of batch.records.entries()) {
      const session = value ? readSession(value) : undefined;
      if (value && !session)
        refused.push({ index, code: 'record-unreadable', detail: 'not a session record' });
      else note(partition, key, session);
    }
    return refused;
  }

  /** Ends what is lost; called by a timer. While the log is away nothing could be written, and nobody counts as lost. */
  async due(): Promise<void> {
    const { log, heard, clock } = this.parts;
    heard.look();
    if (log.problem() !== undefined) return;
    const lost: SessionRecord[] = [];
    for (const [number, partition] of this.partitions) {
      if (!partition.assignment.isHeld()) this.partitions.delete(number);
      else
        for (const session of partition.connected.values())
          if (heard.isSilent(session.gateway, session.boot)) lost.push(session);
    }
    const now = clock.now();
    await Promise.all(lost.map((session) => this.end(session, now)));
    await this.forgetGateways();
  }

  private async end(session: SessionRecord, now: number): Promise<void> {
    const { log, logger } = this.parts;
    const { deviceId, gateway } = session;
    const reason = 'gateway-lost';
    try {
      const ended: SessionRecord = { ...session, connected: false, disconnectedAt: now, reason };
      await appended(log.writer, {
        topic: 'fieldgate.sessions.v1',
        key: deviceId,
        value: encodeTableRow('fieldgate.sessions.v1', {
          key: deviceId,
          id: `${session.connection}-${reason}`,
          atMs: now,
          data: ended,
        }),
      });
      await appended(log.writer, {
        topic: 'fieldgate.events.v1',
        key: deviceId,
        value: encodeEvent(
          { deviceId, event: 'disconnected', state: 'info', severity: 'info', details: { gateway, reason } },
          { id: `${session.connection}-disconnected`, timeMs: now },
          now,
        ),
      });
      lostTotal.inc();
    } catch (error) {
      logger.warn({ deviceId, err: error }, 'lost session not ended'); // still in `connected`: the next round tries again
    }
  }

  /** Heartbeats of runs that are over have no reader left. */
  private async forgetGateways(): Promise<void> {
    const { log, gateways, heard, logger } = this.parts;
    for (const [key, heartbeat] of gateways.entries()) {
      const { gateway, boot, stopping } = heartbeat;
      const isOver = stopping ? heard.isSilent(gateway, boot) : heard.isSilent(gateway, boot, FORGET_MS);
      if (!isOver || this.isReferenced(heartbeat)) continue;
      await appended(log.writer, { topic: 'fieldgate.gateways.v1', key, value: null }).catch(
        (error: unknown) => logger.warn({ gateway: key, err: error }, 'old heartbeat not removed'),
      );
    }
  }

  private isReferenced({ boot }: GatewayHeartbeat): boolean {
    for (const partition of this.partitions.values()) {
      for (const session of partition.connected.values()) if (session.boot === boot) return true;
    }
    return false;
  }

  private async partitionOf(batch: LogBatch): Promise<Partition> {
    const known = this.partitions.get(batch.partition);
    if (known?.assignment === batch.assignment) return known;
    const partition: Partition = { assignment: batch.assignment, connected: new Map() };
    for await (const { key, value } of this.parts.log.reader.read(batch.topic, {
      partition: batch.partition,
      from: 0,
      to: batch.from,
    })) {
      note(partition, key, value ? readSession(value) : undefined);
    }
    this.partitions.set(batch.partition, partition);
    return partition;
  }
}

function note(partition: Partition, deviceId: string, session: SessionRecord | undefined): void {
  if (session?.connected) partition.connected.set(deviceId, session);
  else partition.connected.delete(deviceId);
}
