/** Lets sockets and timers have their turn between two batches that are there already. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
