import { MINTED_PLACES, mintedId, type MintId } from '@fieldgate/contracts';

/** 327,273 of them are an hour. */
const TICK_MS = 11;

/**
 * Ids for what devices send without one. Each session has numbers of its own: they ascend, and none comes twice. They begin at the time of day,
 * and a device that sends fewer than 91 messages a second stays beside it, so that none of its numbers comes again within an hour, over whichever
 * connection, gateway or run of it: a device may cut its `ts` to the hour, and they are what tells its readings apart in InfluxDB (decision 0015).
 */
export class IdsOfSessions {
  private sessions = 0;
  /** The numbers count from here, to be short. */
  private readonly zero: number;

  constructor(
    private readonly boot: string,
    startedMs: number,
  ) {
    const tick = tickAt(startedMs);
    this.zero = tick - (tick % MINTED_PLACES);
  }

  /** For one session. */
  mint(): MintId {
    const name = `${this.boot}-${(this.sessions += 1).toString(36)}`;
    let last = -1;
    return (receivedMs) => {
      last = Math.max(last + 1, tickAt(receivedMs) - this.zero);
      return mintedId(name, last);
    };
  }
}

function tickAt(epochMs: number): number {
  return Math.floor(epochMs / TICK_MS);
}
