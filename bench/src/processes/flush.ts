import { benchDevices } from '../mqtt/bench-devices.js';
import { FlushDevice, type FlushShape } from '../mqtt/flush-device.js';

// node flush.js PORT DEVICE READINGS singly|arrays
//
// One device that has been away for three days, and tells of them on SIGUSR2.

const [, , port = '', index = '', readings = '', shape = 'singly'] = process.argv;
const device = benchDevices(Number(index) + 1).at(-1);
if (!device) throw new Error('no device');
const flushing = new FlushDevice(device, Number(readings), shape as FlushShape); // of our own bench
process.once('SIGUSR2', () => {
  void flushing.flush(Number(port)).then((seconds) => {
    process.stdout.write(`${JSON.stringify({ msg: 'flushed', seconds })}\n`);
    process.exit(0);
  });
});
setInterval(() => undefined, 60_000); // a signal keeps no process
process.stdout.write(`${JSON.stringify({ msg: 'gathered' })}\n`);
