/** Resolves when the store has been started: for those who must wait for it while the rest of the process is up. */
export class StoreStart {
  constructor(readonly started: Promise<void>) {}
}
