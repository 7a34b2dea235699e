import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';
import { secretOf } from './support/numbered-fleet.js';
import { until, type Operator } from './support/operator.js';
import { RawDevice } from './support/raw-device.js';
import { temporaryFolder } from './support/temporary-folder.js';

const DEVICES = 1_000;
const AFTER_MS = 10_000;
/** A thousand devices log in again within it. */
const SETTLE_MS = 8_000;
const EVERY_MS = 1_000;
const RULES = `version: 1
rules:
  - { name: silent, metric: temperature, absence: { after: ${AFTER_MS / 1000}s } }
`;

interface Shown {
  readonly deviceId: string;
  readonly rule: string;
  readonly raisedAt: string;
}

/** Devices that report every second, by clocks that are a little slow, until they are told to stop. */
class ReportingFleet {
  readonly devices = Array.from(
    { length: DEVICES },
    (_, index) => new RawDevice(`absence-${index}`, secretOf(`absence-${index}`), 5),
  );
  /** Device time of the newest reading that was sent, by device. */
  readonly last = new Map<string, number>();
  private readonly stopped = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private n = 0;

  constructor(private clockMs: number) {}

  async connect(port: number): Promise<void> {
    await Promise.all(this.devices.map((device) => device.connect(port)));
    for (const device of this.devices) device.resend();
  }

  report(): void {
    this.timer = setInterval(() => this.round(), EVERY_MS);
    this.round();
  }

  pause(): void {
    clearInterval(this.timer);
  }

  fallSilent(ids: readonly string[]): void {
    for (const id of ids) this.stopped.add(id);
  }

  close(): void {
    this.pause();
    for (const device of this.devices) device.close();
  }

  private round(): void {
    this.n += 1;
    this.clockMs += EVERY_MS;
    for (const device of this.devices) {
      if (this.stopped.has(device.id)) continue;
      this.last.set(device.id, this.clockMs);
      device.publish(this.n, { id: `a-${this.n}`, ts: this.clockMs, readings: { temperature: 20 } });
    }
  }
}

describe('absence', () => {
  const atEnd = atEndOfEachTest();

  it(`of 10 devices among ${DEVICES} raises 10 alerts at their last times, and a restart no eleventh`, async () => {
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    const rules = join(folder.path, 'rules.yaml');
    await writeFile(rules, RULES);
    const deployment = await Deployment.embedded({
      FIELDGATE_RULES_FILE: rules,
      FIELDGATE_ALERT_SETTLE_MS: String(SETTLE_MS),
    });
    atEnd(() => deployment.stop());
    const fleet = new ReportingFleet(Date.now() - 60_000);
    atEnd(() => fleet.close());
    await deployment.operator.register(fleet.devices.map(({ id }) => ({ id, secret: secretOf(id) })));
    await fleet.connect(deployment.mqttPort);
    fleet.report();
    await until(
      async () => fleet.last.size,
      (size) => size === DEVICES,
      5_000,
    );

    const silent = Array.from({ length: 10 }, (_, index) => `absence-${index * 100 + 7}`);
    fleet.fallSilent(silent);
    const expected = silent.map((id) => alertOf(fleet, id)).toSorted((a, b) => (a < b ? -1 : 1));
    expect(await raised(deployment.operator, 10)).toEqual(expected);

    fleet.pause();
    await deployment.restart('all');
    await fleet.connect(deployment.mqttPort);
    fleet.report();
    fleet.fallSilent(['absence-500']); // whose alert comes when any other that a restart made has come
    const after = [...expected, alertOf(fleet, 'absence-500')].toSorted((a, b) => (a < b ? -1 : 1));
    expect(await raised(deployment.operator, 11)).toEqual(after);
  }, 90_000);
});

function alertOf(fleet: ReportingFleet, deviceId: string): string {
  const raisedAt = (fleet.last.get(deviceId) ?? 0) + AFTER_MS;
  return `${deviceId} ${new Date(raisedAt).toISOString()}`;
}

/** As soon as there are so many, or what there is after half a minute. */
async function raised(operator: Operator, count: number): Promise<string[]> {
  const read = async (): Promise<Shown[]> => {
    const { status, body } = await operator.call<{ alerts: Shown[] }>(
      'GET',
      '/v1/alerts?rule=silent&limit=1000',
    );
    return status === 200 ? body.alerts : [];
  };
  const alerts = await until(read, ({ length }) => length >= count, 30_000);
  return alerts
    .map(({ deviceId, raisedAt }) => `${deviceId} ${raisedAt}`)
    .toSorted((a, b) => (a < b ? -1 : 1));
}
