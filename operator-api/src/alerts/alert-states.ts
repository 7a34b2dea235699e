import {
  acknowledgementKey,
  alertStateRowSchema,
  openAlertKey,
  RULES_ROW_KEY,
  tableRows,
  type Alert,
  type AlertStateRow,
} from '@fieldgate/contracts';
import { COMMIT_LOG, LogTable, type CommitLog } from '@fieldgate/commit-log';
import { LOGGER, SUPERVISOR, type Logger, type Supervisor } from '@fieldgate/service';
import { alertPlaceOf, type StoredAlert } from '@fieldgate/telemetry-store';
import { Inject, Injectable } from '@nestjs/common';

const TOPIC = 'fieldgate.alert-states.v1';

/** What the API knows about alerts: those that are open, who has acknowledged them, and the rules in force. */
@Injectable()
export class AlertStates {
  readonly table: LogTable<AlertStateRow>;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(SUPERVISOR) supervisor: Supervisor,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.table = new LogTable(log.reader, TOPIC, tableRows(TOPIC, alertStateRowSchema), {
      failed: (error) => supervisor.fail(`operator API: table of ${TOPIC}`, error),
      unreadable: ({ partition, offset }) =>
        logger.warn({ topic: TOPIC, partition, offset }, 'record not understood'),
    });
  }

  /** Undefined when it is not open, or not known. */
  open(id: string): StoredAlert | undefined {
    const place = alertPlaceOf(id);
    const row = place && this.table.get(openAlertKey(place.deviceId, place.rule));
    return row?.kind === 'open' && row.alert.id === id ? this.withAcknowledgement(row.alert) : undefined;
  }

  *allOpen(): IterableIterator<StoredAlert> {
    for (const [, row] of this.table.entries())
      if (row.kind === 'open') yield this.withAcknowledgement(row.alert);
  }

  /** Undefined when no processor has said yet; its text is empty when no rules file was ever in force. */
  rules(): Extract<AlertStateRow, { kind: 'rules' }> | undefined {
    const row = this.table.get(RULES_ROW_KEY);
    return row?.kind === 'rules' ? row : undefined;
  }

  /** The row of an acknowledgement may be that of an earlier alert of this device and rule. */
  private withAcknowledgement(alert: Alert): StoredAlert {
    const row = this.table.get(acknowledgementKey(alert.deviceId, alert.rule));
    if (row?.kind !== 'acknowledged' || row.acknowledgement.alertId !== alert.id) return alert;
    const { at, by, note } = row.acknowledgement;
    return { ...alert, acknowledgement: { at, by, ...(note === undefined ? {} : { note }) } };
  }
}
