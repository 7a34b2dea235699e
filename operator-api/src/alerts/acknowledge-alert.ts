import {
  acknowledgementKey,
  encodeAlertStep,
  encodeTableRow,
  type Acknowledgement,
} from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import type { StoredAlert } from '@fieldgate/telemetry-store';
import { Inject, Injectable } from '@nestjs/common';
import { DurableAppend } from '../durable-append.js';
import { Problem } from '../http/problem.js';
import { Turns } from '../turns.js';
import { AlertStates } from './alert-states.js';
import { FindAlerts } from './find-alerts.js';

/** There is one key, and so one operator. */
const OPERATOR = 'admin';

@Injectable()
export class AcknowledgeAlert {
  constructor(
    private readonly states: AlertStates,
    private readonly known: FindAlerts,
    private readonly durable: DurableAppend,
    private readonly turns: Turns,
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
    const atMs = this.clock.now();
    const made = { at: atMs, by: OPERATOR, ...(note === undefined ? {} : { note }) };
    const acknowledgement: Acknowledgement = { alertId: id, ...made };
    const value = encodeAlertStep({ step: 'acknowledged', alert, acknowledgement }, atMs);
    await this.durable.append(
      { topic: 'fieldgate.alerts.v1', key: deviceId, partitionKey: deviceId, value },
      async () => undefined, // nothing of the API follows this topic
    );
    const key = acknowledgementKey(deviceId, rule);
    const data = { kind: 'acknowledged', acknowledgement };
    const row = encodeTableRow('fieldgate.alert-states.v1', { key, id: `${id}~acknowledged`, atMs, data });
    await this.durable.append(
      { topic: 'fieldgate.alert-states.v1', key, partitionKey: deviceId, value: row },
      (at) => this.states.table.reached(at),
    );
    return this.states.open(id) ?? { ...alert, acknowledgement: made }; // cleared in this moment: it was acknowledged all the same
  }
}
