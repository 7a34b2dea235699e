/** Time is passed in, so that tests can hold it still. Milliseconds. */
export interface Clock {
  now(): number;
}

/** Epoch milliseconds. */
export const systemClock: Clock = { now: () => Date.now() };

export const CLOCK = Symbol('Clock');

/** For durations: milliseconds since some moment, which nobody sets forward or back. */
export const monotonicClock: Clock = { now: () => performance.now() };

export const MONOTONIC = Symbol('MonotonicClock');
