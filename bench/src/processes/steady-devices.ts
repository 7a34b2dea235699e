import { writeFile } from 'node:fs/promises';
import { benchDevices } from '../mqtt/bench-devices.js';
import { openAll } from '../mqtt/connection.js';
import { Histogram } from '../mqtt/histogram.js';
import { LoadDevice } from '../mqtt/load-device.js';

// node steady-devices.js PORT DEVICES RATE FILE
//
// So many messages a second in all, whatever comes back, and whoever is disconnected. Latencies are kept by phase, which is that of the moment
// when a message is sent; SIGUSR2 begins the next. SIGHUP ends it: when everything is answered, FILE has what was acknowledged.

/** PUBACKs of the messages that were sent in one phase. */
export interface Phase {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

export interface SteadyResult {
  readonly phases: readonly Phase[];
  /** From the third phase on: the first warms up, the second is what it is like otherwise. */
  readonly all: Phase;
  readonly sent: number;
  readonly acknowledged: number;
  readonly disconnected: number;
}

/** `seq` of what was acknowledged, by device. */
export type Acknowledged = Readonly<Record<string, readonly number[]>>;

class Latencies {
  longestMs = 0;
  private readonly histogram = new Histogram();

  constructor(readonly since: number) {}

  add(ms: number): void {
    this.histogram.add(ms);
    this.longestMs = Math.max(this.longestMs, ms);
  }

  result(): Phase {
    const { histogram, longestMs } = this;
    return {
      count: histogram.count,
      p50Ms: histogram.quantile(0.5),
      p99Ms: histogram.quantile(0.99),
      longestMs,
    };
  }
}

const PAYLOAD_BYTES = 200;
const LAST_ANSWERS_MS = 30_000;
const [, , port = '', count = '', rate = '', file = ''] = process.argv;
const phases = [new Latencies(0)];
const all = new Latencies(0);
const acknowledged = new Map<LoadDevice, number[]>();
const lost = new Set<LoadDevice>();
let isSending = true;
let sent = 0;

const accounts = benchDevices(Number(count));
const devices = await openAll(accounts.length, async (index) => {
  const account = accounts[index] ?? { id: '', secret: '' };
  const device = new LoadDevice(account, PAYLOAD_BYTES, onAcknowledged);
  acknowledged.set(device, []);
  await device.open(Number(port), () => lost.add(device));
  return device;
});

process.on('SIGUSR2', () => {
  phases.push(new Latencies(performance.now()));
  process.stdout.write(`${JSON.stringify({ msg: 'phase' })}\n`);
});
process.once('SIGHUP', () => void end());
process.once('SIGTERM', () => process.exit(0));
const start = performance.now();
tick();
process.stdout.write(`${JSON.stringify({ msg: 'sending' })}\n`);

function tick(): void {
  if (!isSending) return;
  const due = Math.floor(((performance.now() - start) / 1_000) * Number(rate));
  for (; sent < due; sent += 1) devices[sent % devices.length]?.send(1, Date.now());
  setTimeout(tick, 1);
}

function onAcknowledged(device: LoadDevice, ms: number, seq: number): void {
  acknowledged.get(device)?.push(seq);
  const sentAt = performance.now() - ms;
  const phase = phases.findLast(({ since }) => since <= sentAt);
  phase?.add(ms);
  if (phase !== phases[0] && phase !== phases[1]) all.add(ms);
}

async function end(): Promise<void> {
  isSending = false;
  const deadline = performance.now() + LAST_ANSWERS_MS;
  while (devices.some((device) => device.inFlight > 0 && !lost.has(device)) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 10));
  for (const device of devices) device.close();
  const byDevice: Acknowledged = Object.fromEntries([...acknowledged].map(([{ id }, seqs]) => [id, seqs]));
  await writeFile(file, JSON.stringify(byDevice));
  const result: SteadyResult = {
    phases: phases.map((phase) => phase.result()),
    all: all.result(),
    sent,
    acknowledged: Object.values(byDevice).reduce((sum, seqs) => sum + seqs.length, 0),
    disconnected: lost.size,
  };
  process.stdout.write(`${JSON.stringify({ msg: 'ended', result })}\n`);
}
