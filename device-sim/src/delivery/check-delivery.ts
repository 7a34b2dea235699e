import type { DeliveryLedger } from './delivery-ledger.js';
import {
  deliveryReport,
  StoredNumbers,
  type DeliveryReport,
  type DeviceDelivery,
} from './delivery-report.js';
import { inParallel } from '../in-parallel.js';

export interface SentBy {
  readonly deviceId: string;
  readonly ledger: DeliveryLedger;
}

export interface Checking {
  /** The stored numbers of a device; `toMs` exclusive. */
  readonly values: (deviceId: string, fromMs: number, toMs: number) => AsyncIterable<unknown>;
  /** How long the store may show nothing new while something is missing. */
  readonly settleMs: number;
  readonly pause: (ms: number) => Promise<unknown>;
  readonly now: () => number;
  readonly said?: (missing: number) => void;
}

const ROUND_MS = 1_000;
const WIDTH = 4;

/**
 * Compares what was acknowledged with what the store shows. Storage may still be catching up: devices of which something is missing are looked
 * at again, as long as the store keeps growing.
 */
export async function checkDelivery(devices: readonly SentBy[], checking: Checking): Promise<DeliveryReport> {
  const deliveries = new Map<string, DeviceDelivery>();
  let most = -1;
  let deadline = checking.now() + checking.settleMs;
  for (let open = devices; ;) {
    await inParallel(open, WIDTH, async (device) => {
      deliveries.set(device.deviceId, await deliveryOf(device, checking));
    });
    const inOrder = devices.flatMap(({ deviceId }) => deliveries.get(deviceId) ?? []);
    const report = deliveryReport(inOrder);
    open = open.filter(({ deviceId }) => (deliveries.get(deviceId)?.counts.missing ?? 0) > 0);
    if (report.counts.stored > most) {
      most = report.counts.stored;
      deadline = checking.now() + checking.settleMs;
    }
    if (open.length === 0 || checking.now() >= deadline) return report;
    checking.said?.(report.counts.missing);
    await checking.pause(ROUND_MS);
  }
}

async function deliveryOf({ deviceId, ledger }: SentBy, checking: Checking): Promise<DeviceDelivery> {
  const stored = new StoredNumbers(deviceId, ledger);
  if (ledger.firstSentMs !== undefined) {
    const values = checking.values(deviceId, ledger.firstSentMs, ledger.lastSentMs + 1);
    for await (const value of values) stored.add(value);
  }
  return stored.delivery();
}
