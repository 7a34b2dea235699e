/** `direct`: everything goes to the log. `spooling`: the log does not take what devices send, the disk does. `draining`: the log takes it again. */
export type SpoolState = 'direct' | 'spooling' | 'draining';

export interface SpoolStatus {
  readonly state: SpoolState;
  /** Why nothing more goes into the spool; undefined while it does. */
  readonly full: string | undefined;
  readonly records: number;
  readonly bytes: number;
  readonly oldestAgeMs: number | undefined;
}
