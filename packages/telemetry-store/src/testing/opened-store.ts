import type { TelemetryStore } from '../telemetry-store.js';

/** A store that has been started, for one test. */
export interface OpenedStore {
  readonly store: TelemetryStore;
  /** Stops it and starts another one on the same data. */
  readonly reopen: () => Promise<TelemetryStore>;
  readonly close: () => Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

/** Opens a store for the length of `use`. */
export async function withStore(
  openStore: OpenStore,
  use: (store: TelemetryStore, opened: OpenedStore) => Promise<void>,
): Promise<void> {
  const opened = await openStore();
  try {
    await use(opened.store, opened);
  } finally {
    await opened.close();
  }
}
