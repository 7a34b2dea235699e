import { encodeTableRow, encodeTelemetry, identify, telemetryWriter } from '@fieldgate/contracts';
import { appended, commitLogEnvironment, openCommitLog, type LogWriter } from '@fieldgate/commit-log';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import { benchDevices } from '../mqtt/bench-devices.js';

// node fill-for-alerts.js '{"FIELDGATE_DATA_DIR":"…"}' <messages>
//
// Telemetry as the gateway would have written it, of 1,000 registered devices: 4 metrics a message, one message per device and second. Most
// readings are good; each device is too hot for some minutes now and then.

const DEVICES = 1_000;
const [, , given = '{}', messages = '0'] = process.argv;
const count = Number(messages);
const settings = readEnvironment(z.object(commitLogEnvironment), JSON.parse(given) as Record<string, string>); // of our own bench
const log = await openCommitLog(settings, { clock: systemClock, logger: createLogger({ level: 'warn' }) });
await log.start();
const now = systemClock.now();
await registerDevices(log.writer);
await fill(log.writer);
await log.stop();
process.stdout.write(`${JSON.stringify({ msg: 'filled' })}\n`);

async function registerDevices(writer: LogWriter): Promise<void> {
  const topic = 'fieldgate.devices.v1';
  const atMs = now;
  const rows = benchDevices(DEVICES).map(({ id }, index) => {
    const data = {
      id,
      type: index % 2 === 0 ? 'pump' : 'fan',
      labels: { site: index % 3 === 0 ? 'north' : 'south' },
      secret: 'sha256$none$none',
      createdAt: atMs,
      updatedAt: atMs,
      creationId: id,
      secretVersion: 1,
    };
    return appended(writer, {
      topic,
      key: id,
      value: encodeTableRow(topic, { key: id, id: 'bench', atMs, data }),
    });
  });
  await Promise.all(rows);
}

async function fill(writer: LogWriter): Promise<void> {
  const devices = benchDevices(DEVICES).map(({ id }) => ({ id, writer: telemetryWriter(id, 'bench') }));
  for (let index = 0; index < count; index += 1) {
    const device = devices[index % DEVICES];
    if (!device) return;
    const seq = Math.floor(index / DEVICES);
    // the last message is from now: none is late, as when the gateway and the alerts keep up
    const ts = now - (Math.ceil(count / DEVICES) - seq) * 1000;
    const identity = identify({ ts, seq }, ts, () => '');
    const message = { ts, seq, readings: readings(seq, index % DEVICES) };
    const value = encodeTelemetry(device.writer, message, identity, ts);
    const record = { topic: 'fieldgate.telemetry.v1', key: device.id, value } as const;
    if (index === count - 1) await appended(writer, record);
    else if (!writer.append(record, failOnError))
      await new Promise<void>((resolve) => writer.drained(resolve));
  }
}

function readings(seq: number, device: number): Record<string, number> {
  const isHot = (seq + device) % 500 < 10;
  return {
    temperature: (isHot ? 90 : 20) + Math.round(500 * Math.sin(seq / 300)) / 100,
    humidity: 45 + (seq % 97) / 10,
    pressure: 1013 + (seq % 31) / 10,
    battery: 3.7 - (seq % 1000) / 10_000,
  };
}

function failOnError(error: unknown): void {
  if (error !== undefined) throw error;
}
