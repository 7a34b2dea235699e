import { until } from '../operator.js';
import { askPrometheus } from './answers.js';
import { newest } from './expectation.js';
import { SCRAPE_MS } from './prometheus-beside.js';

const WITHIN_MS = 30_000;

/** Resolves when this Prometheus has an answer to the condition. */
export async function holds(prometheus: string, condition: string): Promise<void> {
  const ask = async (): Promise<number> => {
    const now = Date.now();
    const [series] = await askPrometheus(
      prometheus,
      condition,
      { fromMs: now, toMs: now, stepMs: SCRAPE_MS },
      true,
    );
    return newest(series);
  };
  const value = await until(ask, (found) => !Number.isNaN(found), WITHIN_MS);
  if (Number.isNaN(value)) throw new Error(`Prometheus never saw: ${condition}`);
}
