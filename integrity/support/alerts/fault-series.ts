import { randomFrom } from '../random.js';

/** One message of a device, in device time (epoch ms). */
export interface Sample {
  readonly deviceId: string;
  readonly n: number;
  readonly at: number;
  readonly temperature: number;
  readonly pressure: number;
  readonly door: boolean;
}

const STEP_MS = 10_000;
const MINUTE_MS = 60_000;
/** At the end all devices are well for so long that everything before it has been judged. */
export const TAIL_MS = 5 * MINUTE_MS;

type Fault = 'spike' | 'hot' | 'ramp' | 'drop' | 'gap' | 'flap';
const FAULTS: readonly {
  readonly fault: Fault;
  readonly count: number;
  readonly minutes: readonly [number, number];
}[] = [
  { fault: 'spike', count: 5, minutes: [0.1, 0.3] },
  { fault: 'hot', count: 3, minutes: [1, 8] },
  { fault: 'ramp', count: 2, minutes: [5, 9] },
  { fault: 'drop', count: 3, minutes: [0.5, 6] },
  { fault: 'gap', count: 2, minutes: [11, 18] },
  { fault: 'flap', count: 3, minutes: [1, 4] },
];

/** What one device would have sent: a daily curve with noise, and faults of known kinds at places that the seed decides. In the order of device time. */
export function faultSeries(deviceId: string, seed: number, from: number, to: number): Sample[] {
  const random = randomFrom(seed);
  const end = to - TAIL_MS;
  const spans = FAULTS.flatMap(({ fault, count, minutes: [least, most] }) =>
    Array.from({ length: count }, () => {
      const start = from + random() * (end - from - most * MINUTE_MS);
      return { fault, start, end: start + (least + random() * (most - least)) * MINUTE_MS };
    }),
  );
  const samples: Sample[] = [];
  for (let at = from; at < to; at += STEP_MS + Math.floor(random() * 3_000)) {
    const during = (fault: Fault): (typeof spans)[number] | undefined =>
      spans.find((span) => span.fault === fault && at >= span.start && at < span.end);
    const noise = random() * 2 - 1;
    const isOpen = random() < 0.5;
    if (during('gap')) continue;
    const ramp = during('ramp');
    const base = 40 + 10 * Math.sin(((at % 86_400_000) / 86_400_000) * 2 * Math.PI) + noise;
    const temperature =
      (during('hot') ? 84 + noise * 3 : base) +
      (during('spike') ? 60 : 0) +
      (ramp ? ((at - ramp.start) / MINUTE_MS) * 8 : 0);
    samples.push({
      deviceId,
      n: samples.length,
      at,
      temperature: round(temperature),
      pressure: round(during('drop') ? 1.8 + noise / 2 : 4 + noise / 2),
      door: during('flap') ? isOpen : false,
    });
  }
  return samples;
}

/** In the order in which they arrive: each up to `latenessMs` later than it was measured. */
export function shuffledWithin(samples: readonly Sample[], latenessMs: number, seed: number): Sample[] {
  const random = randomFrom(seed);
  return samples
    .map((sample) => ({ sample, arrives: sample.at + random() * latenessMs }))
    .toSorted((a, b) => a.arrives - b.arrives)
    .map(({ sample }) => sample);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
