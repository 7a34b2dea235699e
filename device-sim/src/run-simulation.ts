import { checkDelivery } from './delivery/check-delivery.js';
import type { DeliveryReport } from './delivery/delivery-report.js';
import type { DeviceIdentity } from './device/device-session.js';
import { Fleet } from './fleet.js';
import { GatewayApi } from './gateway-api.js';
import type { SimulationUi } from './progress.js';
import type { SimulationOptions } from './simulation-options.js';

const UNREACHABLE_AFTER_MS = 10_000;
const LAST_ACKNOWLEDGEMENTS_MS = 10_000;
const PROGRESS_MS = 1_000;
/** What a timer can hold: 24 days. */
const LONGEST_MS = 0x7fff_ffff;

/**
 * Registers a fleet, lets it report and answer commands until the time is over or `stop` is aborted, and compares what the gateway acknowledged
 * with what its API shows. Rejects when the gateway cannot be asked (`gateway-unreachable`, `unauthorized`, …).
 */
export async function runSimulation(
  options: SimulationOptions,
  ui: SimulationUi,
  stop: AbortSignal = new AbortController().signal,
  now: () => number = Date.now,
): Promise<DeliveryReport> {
  const api = new GatewayApi({
    url: options.http,
    adminKey: options.adminKey,
    patienceMs: UNREACHABLE_AFTER_MS,
    pause,
  });
  ui.say(`registering ${options.devices} devices at ${options.http}`);
  const fleet = new Fleet(await identities(api, options), fleetOptions(options), now);
  ui.say(`connecting to ${options.mqtt}; Ctrl-C ends the run and prints the report`);
  await letItRun(fleet, { ui, stop, now, durationMs: options.duration * 1000 });
  ui.say('waiting for the last acknowledgements');
  await fleet.stop(LAST_ACKNOWLEDGEMENTS_MS);
  ui.say('comparing with the store');
  return checkDelivery(
    fleet.devices.map(({ id, ledger }) => ({ deviceId: id, ledger })),
    {
      values: (deviceId, fromMs, toMs) => api.values(deviceId, 'n', fromMs, toMs),
      settleMs: options.settle * 1000,
      pause,
      now,
      said: (missing) => ui.say(`  ${missing} are not in the store yet`),
    },
  );
}

async function identities(api: GatewayApi, options: SimulationOptions): Promise<DeviceIdentity[]> {
  const digits = Math.max(3, String(options.devices).length);
  const ids = Array.from(
    { length: options.devices },
    (_, index) => `${options.prefix}${String(index + 1).padStart(digits, '0')}`,
  );
  const secrets = await api.registerDevices(ids, 'simulated-pump');
  return ids.map((id, index) => {
    const mixed = index % 2 === 0 ? '5' : '3.1.1';
    const protocol = options.protocol === 'mixed' ? mixed : options.protocol;
    return { id, secret: secrets.get(id) ?? '', protocol };
  });
}

function fleetOptions(options: SimulationOptions): ConstructorParameters<typeof Fleet>[1] {
  const { mqtt, rate, window, seed, connectsPerSecond } = options;
  return { mqttUrl: mqtt, intervalMs: 1000 / rate, window, seed, connectsPerSecond };
}

async function letItRun(
  fleet: Fleet,
  run: { ui: SimulationUi; stop: AbortSignal; now: () => number; durationMs: number },
): Promise<void> {
  const startedMs = run.now();
  const show = (): void => run.ui.progress(fleet.counts(), run.now() - startedMs);
  fleet.start();
  const timer = setInterval(show, PROGRESS_MS);
  await pause(run.durationMs > 0 ? run.durationMs : LONGEST_MS, run.stop);
  clearInterval(timer);
  show();
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, LONGEST_MS));
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}
