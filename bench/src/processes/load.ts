import type { LoadPlan, LoadResult } from '../load.js';
import { benchDevices } from '../mqtt/bench-devices.js';
import { openAll } from '../mqtt/connection.js';
import { Histogram } from '../mqtt/histogram.js';
import { LoadDevice } from '../mqtt/load-device.js';
import { anonymousMb, cpuSeconds, rssMb } from '../systems/usage.js';

// node load.js '<LoadPlan as JSON>'

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan; // written by load.ts
const { shape, pids } = plan;
const latencies = new Histogram();
let isMeasuring = false;
let isSending = true;

const { firstDevice = 0 } = plan;
const accounts = benchDevices(firstDevice + plan.connections).slice(firstDevice);
const devices = await openAll(plan.connections, async (index) => {
  const device = new LoadDevice(accounts[index] ?? { id: '', secret: '' }, plan.payloadBytes, onAcknowledged);
  await device.open(plan.port);
  return device;
});

process.stdout.write(`${JSON.stringify({ msg: 'sending' })}\n`);
const again = new Set<LoadDevice>();
if (shape.kind === 'closed') for (const device of devices) device.send(shape.window, Date.now());
else sendOnSchedule(shape.rate);

await seconds(plan.warmSeconds);
const before = { at: performance.now(), cpu: pids.map(cpuSeconds), own: cpuSeconds(process.pid) };
isMeasuring = true;
process.stdout.write(`${JSON.stringify({ msg: 'measuring' })}\n`);
await seconds(plan.seconds);
isMeasuring = false;
const result = measured();
isSending = false;
await settled();
process.stdout.write(`${JSON.stringify({ msg: 'done', result })}\n`);
for (const device of devices) device.close();

function onAcknowledged(device: LoadDevice, ms: number): void {
  if (isMeasuring) latencies.add(ms);
  if (shape.kind === 'open' || !isSending) return;
  if (again.size === 0) setImmediate(refill);
  again.add(device);
}

/** Once per turn of the event loop: what one read has acknowledged is sent again in one write. */
function refill(): void {
  if (shape.kind === 'open' || !isSending) return again.clear();
  const now = Date.now();
  for (const device of again) device.send(shape.window - device.inFlight, now);
  again.clear();
}

function sendOnSchedule(rate: number): void {
  const start = performance.now();
  let sent = 0;
  const tick = (): void => {
    if (!isSending) return;
    const due = Math.floor(((performance.now() - start) / 1000) * rate);
    for (; sent < due; sent += 1) devices[sent % devices.length]?.send(1, Date.now());
    setTimeout(tick, 1);
  };
  tick();
}

function measured(): LoadResult {
  const elapsed = (performance.now() - before.at) / 1000;
  const per100k = latencies.count / 100_000;
  return {
    acknowledgedPerSecond: latencies.count / elapsed,
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
    cpuPer100k: pids.map((pid, index) => (cpuSeconds(pid) - (before.cpu[index] ?? 0)) / per100k),
    rssMb: pids.map(rssMb),
    anonymousMb: pids.map(anonymousMb),
    generatorPercent: ((cpuSeconds(process.pid) - before.own) / elapsed) * 100,
  };
}

/** Everything that was sent is answered; a gateway that forgets one is found here. */
async function settled(): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (devices.some(({ inFlight }) => inFlight > 0)) {
    if (performance.now() > deadline) throw new Error('messages were never acknowledged');
    await seconds(0.01);
  }
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
