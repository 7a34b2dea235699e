import { GATEWAY_LOST_MS, type GatewayHeartbeat } from '@fieldgate/contracts';
import type { Clock } from '@fieldgate/service';
import type { LogTable } from './log-table.js';

/**
 * Which gateways still live, told by when their heartbeats come in here: the gateways' own clocks say nothing about silence, nor does a clock
 * that is set while it is measured. While the log is away it is the log that is silent: nobody else is, until it has been back for as long.
 */
export class HeardGateways {
  /** By `<gateway>/<boot>`; only runs that have not said they stop. */
  private readonly heardAt = new Map<string, number>();
  /** Since when heartbeats can come in, as far as was looked; undefined while the log has a problem. */
  private wellSince: number | undefined;

  /** `clock` must be monotonic. `problem` is the log's: a sentence while it is away. */
  constructor(
    table: LogTable<GatewayHeartbeat>,
    private readonly clock: Clock,
    private readonly problem: () => string | undefined,
  ) {
    table.changes(({ key, value }) => {
      if (value && !value.stopping) this.heardAt.set(key, clock.now());
      else this.heardAt.delete(key);
    });
  }

  /** To be called every second or so, from when the table is read on: an outage that nobody has looked at would count as the gateways' silence. */
  look(): void {
    if (this.problem() !== undefined) this.wellSince = undefined;
    else this.wellSince ??= this.clock.now();
  }

  /** Whether nothing was heard of this run of a gateway for so long. One that was never heard has that long from the first look. */
  isSilent(gateway: string, boot: string, forMs = GATEWAY_LOST_MS): boolean {
    this.look();
    if (this.wellSince === undefined) return false;
    const heardAt = this.heardAt.get(`${gateway}/${boot}`) ?? this.wellSince;
    return this.clock.now() - Math.max(heardAt, this.wellSince) >= forMs;
  }
}
