import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atEndOfEachTest } from '../at-end.js';
import { faultSeries, shuffledWithin, TAIL_MS } from '../alerts/fault-series.js';
import { END_RULE, offlineAlerts, OFFLINE_RULES, type OfflineAlert } from '../alerts/offline-alerts.js';
import { SeriesReplay } from '../alerts/series-replay.js';
import { toldSteps } from '../alerts/told-steps.js';
import type { Deployment } from '../deployment.js';
import { until, type Operator } from '../operator.js';
import { randomFrom } from '../random.js';
import { temporaryFolder } from '../temporary-folder.js';

const SEED = Number(process.env['FIELDGATE_SEED'] ?? 7);
const DEVICES = 6;
const HOURS_MS = 3 * 3_600_000;
const SPEED = 1_000;
/** What piles up while the process is down. */
const BACKLOG = 300;
/** Less than that of the rules: while a process is down, time passes for the devices too. */
const SHUFFLED_MS = 30_000;
/** Kafka gives the partitions of killed members to the next one only after their sessions, one after another; then the rest of the series is judged. */
const CAUGHT_UP_MS = 180_000;

/** Replays series with known faults while the process that holds the alerts group is killed again and again. */
export function describeAlertsMatchOffline(
  open: (settings: Record<string, string>) => Promise<Deployment>,
  kills: number,
): void {
  describe('a series with known faults, replayed fast and out of order', () => {
    const atEnd = atEndOfEachTest();

    it(`raises and clears, once each, exactly what a calculation over all of it does, with ${kills} kills on the way (seed ${SEED})`, async () => {
      const folder = await temporaryFolder();
      atEnd(() => folder.remove());
      const rules = join(folder.path, 'rules.yaml');
      await writeFile(rules, OFFLINE_RULES);
      const name = randomBytes(3).toString('hex');
      const to = Date.now();
      const series = Array.from({ length: DEVICES }, (_, index) =>
        faultSeries(`series-${name}-${index}`, SEED * 100 + index, to - HOURS_MS, to),
      );
      const expected = series.flatMap(offlineAlerts);
      expect(new Set(expected.map(({ rule }) => rule)).size).toBe(6);
      const arrivals = shuffledWithin(series.flat(), SHUFFLED_MS, SEED);

      const deployment = await open({ FIELDGATE_RULES_FILE: rules });
      atEnd(() => deployment.stop());
      const replay = new SeriesReplay(arrivals, SPEED);
      atEnd(() => replay.close());
      await deployment.operator.register(replay.registrations());
      await replay.connect(deployment.mqttPort);
      const random = randomFrom(SEED);
      const part = deployment.partOf('processors');
      for (let kill = 1; kill <= kills; kill += 1) {
        await replay.sendUntil(Math.floor(((kill - random()) / kills) * arrivals.length * 0.9));
        await outage(deployment, replay);
        if (kill % 2 === 0) await deployment.restart(part); // while what has piled up is judged
        if (kill % 2 === 0 && part === deployment.partOf('gateway'))
          await replay.connect(deployment.mqttPort);
      }
      await replay.sendUntil(arrivals.length);
      replay.end();
      await replay.settle();

      for (const samples of series) {
        const deviceId = samples[0]?.deviceId ?? '';
        const wanted = ordered(expected.filter((alert) => alert.deviceId === deviceId));
        const isWanted = (shown: ShownAlerts): boolean =>
          JSON.stringify(shown.alerts) === JSON.stringify(wanted);
        const shown = await until(() => alertsOf(deployment.operator, deviceId), isWanted, CAUGHT_UP_MS);
        if (!isWanted(shown)) deployment.printLines();
        expect(shown).toEqual({ status: 200, alerts: wanted });
      }
      const devices = replay.devices.map(({ id }) => id);
      const told = await toldSteps(deployment, devices, ({ rule }) => rule === END_RULE);
      const ids = told.filter(({ rule }) => rule !== END_RULE).map(({ id }) => id);
      expect(ids.toSorted()).toEqual(expected.flatMap(stepsOf).toSorted());
    }, 420_000);
  });
}

/** The process that holds the alerts group is killed, and finds a backlog when it comes back. */
async function outage(deployment: Deployment, replay: SeriesReplay): Promise<void> {
  const part = deployment.partOf('processors');
  await deployment.kill(part);
  replay.sendInVain(BACKLOG);
  await deployment.start(part);
  if (part === deployment.partOf('gateway')) await replay.connect(deployment.mqttPort);
}

/** The ids of the steps that make it. */
function stepsOf({ deviceId, rule, raisedAt, clearedAt }: OfflineAlert): string[] {
  const id = `${deviceId}~${rule}~${raisedAt}`;
  return clearedAt === undefined ? [`${id}~raised`] : [`${id}~raised`, `${id}~cleared`];
}

interface ShownAlerts {
  readonly status: number;
  /** Empty while the API is not ready: it is asked again. */
  readonly alerts: readonly OfflineAlert[];
}

async function alertsOf(operator: Operator, deviceId: string): Promise<ShownAlerts> {
  const path = `/v1/alerts?device=${deviceId}&from=${Date.now() - HOURS_MS - TAIL_MS}&limit=1000`;
  const { status, body } = await operator.call<{ alerts: Shown[] }>('GET', path);
  if (status !== 200) return { status, alerts: [] };
  const alerts = ordered(
    body.alerts
      .filter(({ rule }) => rule !== END_RULE)
      .map(({ rule, raisedAt, clearedAt }) => ({
        deviceId,
        rule,
        raisedAt: Date.parse(raisedAt),
        clearedAt: clearedAt === undefined ? undefined : Date.parse(clearedAt),
      })),
  );
  return { status, alerts };
}

interface Shown {
  readonly rule: string;
  readonly raisedAt: string;
  readonly clearedAt?: string;
}

function ordered(alerts: readonly OfflineAlert[]): OfflineAlert[] {
  return alerts.toSorted((a, b) => (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : a.raisedAt - b.raisedAt));
}
