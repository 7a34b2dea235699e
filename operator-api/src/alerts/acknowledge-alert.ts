import {
  acknowledgementKey,
  encodeAlertStep,
  encodeTableRow,
  type Acknowledgement,
} from '@fieldgate/contracts';
import { COMMIT_LOG, type CommitLog, type NewRecord } from '@fieldgate/commit-log';
import { CLOCK, type Clock } from '@fieldgate/service';
import type { StoredAlert } from '@fieldgate/telemetry-store';
import { Inject, Injectable } from '@nestjs/common';
import { DurableAppend } from '../durable-append.js';
import { Problem } from '../http/problem.js';
import { Turns } from '../turns.js';
import { AlertStates } from './alert-states.js';
import { FindAlerts } from './find-alerts.js';
import { firstAcknowledgement } from './first-acknowledgement.js';

/** There is one key, and so one operator. */
const OPERATOR = 'admin';

@Injectable()
export class AcknowledgeAlert {
  constructor(
    private readonly states: AlertStates,
    private readonly known: FindAlerts,
    private readonly durable: DurableAppend,
    private readonly turns: Turns,
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The first acknowledgement stays; 409 for an alert that is open no longer. */
  acknowledge(id: string, note: string | undefined): Promise<StoredAlert> {
    return this.turns.take(`alert ${id}`, async () => {
      const alert = this.states.open(id) ?? (await this.ended(id));
      return alert.acknowledgement === undefined ? this.append(alert, note) : alert;
    });
  }

  private async ended(id: string): Promise<never> {
    await this.known.get(id); // 404
    throw new Problem('alert-cleared', `the alert "${id}" is open no longer`);
  }

  /** First what the others hear of, then the row by which it is known as done: a failure in between is repaired by acknowledging again. */
  private async append(alert: StoredAlert, note: string | undefined): Promise<StoredAlert> {
    const { id, deviceId, rule } = alert;
    const { alertId, ...first } = await this.tell(alert, note);
    const key = acknowledgementKey(deviceId, rule);
    const data = { kind: 'acknowledged', acknowledgement: { alertId, ...first } };
    const row = encodeTableRow('fieldgate.alert-states.v1', {
      key,
      id: `${id}~acknowledged`,
      atMs: this.clock.now(),
      data,
    });
    await this.durable.append(
      { topic: 'fieldgate.alert-states.v1', key, partitionKey: deviceId, value: row },
      (at) => this.states.table.reached(at),
    );
    return this.states.open(id) ?? { ...alert, acknowledgement: first }; // cleared in this moment: it was acknowledged all the same
  }

  /**
   * Another process may acknowledge the same alert at the same time: what stands first in the log counts, for both. Whoever comes second
   * says the first one's again, because the store keeps what was written last.
   */
  private async tell(alert: StoredAlert, note: string | undefined): Promise<Acknowledgement> {
    const atMs = this.clock.now();
    const mine = { alertId: alert.id, at: atMs, by: OPERATOR, ...(note === undefined ? {} : { note }) };
    const value = encodeAlertStep({ step: 'acknowledged', alert, acknowledgement: mine }, atMs);
    const first = await this.durable.append(alertRecord(alert, value), (at) =>
      firstAcknowledgement(this.log.reader, alert, at),
    );
    if (!first.isOwn) await this.durable.append(alertRecord(alert, first.value), () => Promise.resolve());
    return first.acknowledgement;
  }
}

function alertRecord({ deviceId }: StoredAlert, value: Uint8Array): NewRecord {
  return { topic: 'fieldgate.alerts.v1', key: deviceId, partitionKey: deviceId, value };
}
