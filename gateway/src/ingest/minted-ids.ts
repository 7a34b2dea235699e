import { MINTED_PLACES, mintedId, type MintId } from '@fieldgate/contracts';

/** 327,273 of them are an hour. */
const TICK_MS = 11;

/**
 * Ids for what devices send without one, in a sequence for each device that is connected. Its numbers ascend, and none comes twice. They begin
 * at the time of day, and those of a device with fewer than 91 records a second stay beside it, so that none of them comes again within an hour,
 * over whichever connection, gateway or run of it: a device may cut its `ts` to the hour, and they are what tells its readings apart in InfluxDB
 * (decision 0015).
 */
export class MintedIds {
  private sequences = 0;

  constructor(private readonly boot: string) {}

  /** Of one device. */
  sequence(): MintId {
    const name = `${this.boot}-${(this.sequences += 1).toString(36)}`;
    let zero: number | undefined; // the numbers count from here, to be short
    let last = -1;
    return (receivedMs) => {
      const tick = Math.floor(receivedMs / TICK_MS);
      zero ??= tick - (tick % MINTED_PLACES);
      last = Math.max(last + 1, tick - zero);
      return mintedId(name, last);
    };
  }
}
