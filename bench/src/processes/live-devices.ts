import { benchDevices } from '../mqtt/bench-devices.js';
import { openAll } from '../mqtt/connection.js';
import { Histogram } from '../mqtt/histogram.js';
import { LoadDevice } from '../mqtt/load-device.js';

// node live-devices.js PORT DEVICES
//
// Devices with a message a second each, one after the other. On SIGUSR2: how long their PUBACKs took since the last time.

const PAYLOAD_BYTES = 200;
const [, , port = '', count = ''] = process.argv;
let latencies = new Histogram();

const accounts = benchDevices(Number(count));
const devices = await openAll(accounts.length, async (index) => {
  const account = accounts[index] ?? { id: '', secret: '' };
  const device = new LoadDevice(account, PAYLOAD_BYTES, (_, ms) => latencies.add(ms));
  await device.open(Number(port));
  return device;
});

const start = performance.now();
let sent = 0;
const tick = (): void => {
  const due = Math.floor(((performance.now() - start) / 1_000) * devices.length);
  for (; sent < due; sent += 1) devices[sent % devices.length]?.send(1, Date.now());
  setTimeout(tick, 1);
};
tick();

process.on('SIGUSR2', () => {
  const result = { count: latencies.count, p50Ms: latencies.quantile(0.5), p99Ms: latencies.quantile(0.99) };
  latencies = new Histogram();
  process.stdout.write(`${JSON.stringify({ msg: 'live', result })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
process.stdout.write(`${JSON.stringify({ msg: 'sending' })}\n`);
