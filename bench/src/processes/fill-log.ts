import { encodeTelemetry, identify, telemetryWriter } from '@fieldgate/contracts';
import { appended, commitLogEnvironment, openCommitLog, type LogWriter } from '@fieldgate/commit-log';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import { benchDevices } from '../mqtt/bench-devices.js';

// node fill-log.js '{"FIELDGATE_DATA_DIR":"…"}' <messages>
//
// Telemetry as the gateway would have written it: 100 devices, 4 metrics a message, one message per device and second, a moment on its way.

const DEVICES = 100;
const ON_ITS_WAY_MS = 40;
const [, , given = '{}', messages = '0'] = process.argv;
const count = Number(messages);
const settings = readEnvironment(z.object(commitLogEnvironment), JSON.parse(given) as Record<string, string>); // of our own bench
const log = await openCommitLog(settings, { clock: systemClock, logger: createLogger({ level: 'warn' }) });
await log.start();
await fill(log.writer);
await log.stop();
process.stdout.write(`${JSON.stringify({ msg: 'filled' })}\n`);

async function fill(writer: LogWriter): Promise<void> {
  const now = systemClock.now();
  const devices = benchDevices(DEVICES).map(({ id }) => ({ id, writer: telemetryWriter(id, 'bench') }));
  for (let index = 0; index < count; index += 1) {
    const device = devices[index % DEVICES];
    if (!device) return;
    const seq = Math.floor(index / DEVICES);
    // the last message is from now: none is late, as when the gateway and storage keep up
    const ts = now - (Math.ceil(count / DEVICES) - seq) * 1000;
    const message = { ts, seq, readings: readings(seq) };
    const value = encodeTelemetry(
      device.writer,
      message,
      identify(message, ts, () => ''),
      ts + ON_ITS_WAY_MS,
    );
    const record = { topic: 'fieldgate.telemetry.v1', key: device.id, value } as const;
    if (index === count - 1) await appended(writer, record);
    else if (!writer.append(record, failOnError))
      await new Promise<void>((resolve) => writer.drained(resolve));
  }
}

function readings(seq: number): Record<string, number> {
  return {
    temperature: 20 + Math.round(500 * Math.sin(seq / 300)) / 100,
    humidity: 45 + (seq % 97) / 10,
    pressure: 1013 + (seq % 31) / 10,
    battery: 3.7 - (seq % 1000) / 10_000,
  };
}

function failOnError(error: unknown): void {
  if (error !== undefined) throw error;
}
