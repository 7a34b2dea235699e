import { PerformanceObserver } from 'node:perf_hooks';

export interface SelfReport {
  /** What the garbage collector has held the main thread up since the start, ms. */
  readonly gcMs: number;
}

/** Answers SIGUSR2 with a line about itself; with `--expose-gc` it collects its garbage first. */
export function reportWhenAsked(): void {
  let gcMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcMs += duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  process.on('SIGUSR2', () => {
    globalThis.gc?.();
    globalThis.gc?.(); // what the first one has finalized
    const report: SelfReport = { gcMs };
    process.stdout.write(`${JSON.stringify({ msg: 'self-report', report })}\n`);
  });
}
