import { ledgerStateSchema, tableRows, type DeviceLedger, type LedgerState } from '@fieldgate/contracts';
import { COMMIT_LOG, LogTable, type CommitLog } from '@fieldgate/commit-log';
import { LOGGER, SUPERVISOR, type Logger, type Supervisor } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';

const TOPIC = 'fieldgate.ledger-states.v1';

/** The ledger of each device, a few seconds behind what the ledger group has counted. */
@Injectable()
export class LedgerTable {
  readonly table: LogTable<LedgerState>;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(SUPERVISOR) supervisor: Supervisor,
    @Inject(LOGGER) logger: Logger,
  ) {
    const read = tableRows(TOPIC, ledgerStateSchema);
    this.table = new LogTable(log.reader, TOPIC, (value) => withoutIds(read(value)), {
      failed: (error) => supervisor.fail(`operator API: table of ${TOPIC}`, error),
      unreadable: ({ partition, offset }) =>
        logger.warn({ topic: TOPIC, partition, offset }, 'record not understood'),
    });
  }

  /** Undefined: nothing of it is counted. */
  of(deviceId: string): DeviceLedger | undefined {
    const row = this.table.get(deviceId);
    return row?.kind === 'device' ? row : undefined;
  }
}

/** They are most of a row, and nobody asks for them here. */
function withoutIds(row: LedgerState | undefined): LedgerState | undefined {
  return row?.kind === 'device' ? { ...row, ids: '' } : row;
}
