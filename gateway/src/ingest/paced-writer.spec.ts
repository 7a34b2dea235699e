import { expect, it } from '@jest/globals';
import type { LogWriter } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { SECRET, gatewayWith } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf, register } from '../testing/test-gateway.js';

const FULL = 5;

/** Telemetry waits until the test lets it go on; from the fifth record on it is too much. */
class SlowLog {
  readonly log: MemoryLog = createMemoryLog();
  private waiting: (() => void)[] = [];
  private listeners: (() => void)[] = [];
  most = 0;

  readonly writer: LogWriter = {
    append: (record, settle) => {
      if (record.topic !== 'fieldgate.telemetry.v1') return this.log.writer.append(record, settle);
      this.waiting.push(() => this.log.writer.append(record, settle));
      this.most = Math.max(this.most, this.waiting.length);
      return this.waiting.length < FULL;
    },
    drained: (listener) => this.listeners.push(listener),
  };

  goOn(): void {
    for (const append of this.waiting.splice(0)) append();
    for (const listener of this.listeners.splice(0)) listener();
  }

  get waits(): number {
    return this.waiting.length;
  }
}

it('reads nobody further who publishes while too much waits for the log, and everybody else', async () => {
  const slow = new SlowLog();
  await slow.log.start();
  const names = ['pump-1', 'pump-2', 'idle-1'];
  for (const name of names) await register(slow.log, name, SECRET);
  const gateway = await gatewayWith({ ...slow.log, writer: slow.writer, ingest: slow.writer });
  const clients = await Promise.all(
    names.map((name) => PacketClient.open(gateway.port, { clientId: name, username: name })),
  );
  for (const client of clients) expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
  const [flooding, other, idle] = clients as [PacketClient, PacketClient, PacketClient]; // three names
  const publish = (client: PacketClient, name: string, seq: number): void =>
    client.send({
      cmd: 'publish',
      topic: `devices/${name}/telemetry`,
      payload: `{"seq":${seq},"a":1}`,
      qos: 0,
      dup: false,
      retain: false,
    });

  for (let seq = 0; seq < 200; seq += 1) publish(flooding, 'pump-1', seq);
  await until(() => slow.waits > FULL);
  for (let seq = 0; seq < 200; seq += 1) publish(other, 'pump-2', seq);
  await until(() => slow.waits === FULL + 2);
  idle.send({ cmd: 'pingreq' });
  expect(await idle.next()).toEqual(expect.objectContaining({ cmd: 'pingresp' }));
  expect(slow.waits).toBe(FULL + 2); // each device that publishes is read up to one message more

  let stored = 0;
  while (stored < 400) {
    slow.goOn();
    await new Promise((resolve) => setImmediate(resolve));
    stored = (await recordsOf(slow.log, 'fieldgate.telemetry.v1')).length;
  }
  expect(stored).toBe(400);
  expect(slow.most).toBeLessThanOrEqual(FULL + 2);
  for (const client of clients) client.destroy();
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
