/** Metrics, events and alerts are stored a moment after they were acknowledged, metrics scraped a second later. */
const SETTLE_MS = 20_000;

/** Tries again until it is right, or the time is up. */
export async function settles(attempt: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + SETTLE_MS; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
