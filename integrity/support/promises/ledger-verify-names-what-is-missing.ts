import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { CommandLine } from '../command-line.js';
import type { Deployment } from '../deployment.js';
import { until } from '../operator.js';

export interface LedgerBench {
  readonly deployment: Deployment;
  /** Where the next reading goes in each partition. */
  ends(): Promise<ReadonlyMap<number, number>>;
  /** Takes out of the store what the device has said at this time, or a part of it, behind Fieldgate's back; the metrics that went. */
  lose(deviceId: string, timeMs: number): Promise<readonly string[]>;
  stop(): Promise<void>;
}

interface Verified {
  readonly checked: number;
  readonly stored: number;
  readonly pending: number;
  readonly missingTotal: number;
  readonly missing: readonly Record<string, unknown>[];
}

const MESSAGES = 60;
const LOST = 23;
const SECRET = 'ledger-verify-secret-1';

/** The store and the log are compared, and neither is trusted: what is not in the store is named, whoever took it away. */
export function describeLedgerVerify(open: () => Promise<LedgerBench>): void {
  describe('fieldgate ledger verify', () => {
    const id = `press-${randomBytes(4).toString('hex')}`;
    const baseMs = Date.now() - 60_000;
    const timeOf = (n: number): number => baseMs + n * 10;
    let bench: LedgerBench;
    const line = new CommandLine(() => bench.deployment);
    const flags = ['ledger', 'verify', '--device', id, '--from', String(baseMs), '--to'];
    const untilMs = (): string => String(Date.now() + 60_000);

    beforeAll(async () => {
      bench = await open();
    });
    afterAll(() => bench.stop());

    it('finds nothing missing, then a reading that was deleted from the store', async () => {
      const { operator, mqttPort } = bench.deployment;
      await operator.register([{ id, secret: SECRET }]);
      const before = await bench.ends();
      const options = { clientId: id, username: id, password: SECRET };
      const device = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, options);
      for (let n = 0; n < MESSAGES; n++) {
        const message = { ts: timeOf(n), seq: n, readings: { speed: n, temperature: 70 + n } };
        await device.publishAsync(`devices/${id}/telemetry`, JSON.stringify(message), { qos: 1 });
      }
      await device.endAsync();

      const verify = (): Promise<Verified> => line.askJson<Verified>(...flags, untilMs());
      const stored = await until(verify, (verified) => isStored(verified), 60_000);
      expect(stored).toMatchObject({ pending: 0, missingTotal: 0, missing: [] });
      expect(stored.stored).toBeGreaterThanOrEqual(MESSAGES); // and what the gateway says of its connection
      expect(await line.ask(...flags, untilMs())).toMatchObject({ code: 0, err: '' });

      const counted = ({ out }: { readonly out: string }): boolean => out.startsWith('CONNECTION FROM');
      const shown = await until(() => line.ask('ledger', 'show', id), counted, 60_000); // some seconds behind
      expect(shown).toMatchObject({ code: 0, err: '' });

      const metrics = await bench.lose(id, timeOf(LOST));
      const lost = await verify();
      expect(lost).toMatchObject({ checked: stored.checked, stored: stored.stored - 1, missingTotal: 1 });
      const [missing = {}] = lost.missing;
      const offset = Number(before.get(Number(missing['partition'])) ?? 0) + LOST;
      const time = new Date(timeOf(LOST)).toISOString();
      expect(missing).toMatchObject({
        deviceId: id,
        topic: 'fieldgate.telemetry.v1',
        offset,
        time,
        metrics,
      });
      expect(await line.ask(...flags, untilMs())).toEqual({
        code: 1,
        out: expect.stringMatching(
          new RegExp(`\n${id} +${time} +fieldgate.telemetry.v1 +\\d+ +${offset} +${metrics.join(',')}\n`),
        ),
        err: '',
      });
    });
  });
}

function isStored({ stored, checked, pending }: Verified): boolean {
  return checked >= MESSAGES && stored === checked && pending === 0;
}
