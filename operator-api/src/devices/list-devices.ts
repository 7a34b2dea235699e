import type { DeviceRecord } from '@fieldgate/contracts';
import { Injectable } from '@nestjs/common';
import type { DevicesQuery } from './device-requests.js';
import { DeviceTables } from './device-tables.js';
import { PresenceOfDevices } from './presence.js';

/** Pages through the registry by id; the order is kept between requests, and made anew when devices have come or gone. */
@Injectable()
export class ListDevices {
  private sorted: readonly string[] | undefined;

  constructor(
    private readonly tables: DeviceTables,
    private readonly presence: PresenceOfDevices,
  ) {
    tables.devices.changes(({ value, previous }) => {
      if ((value === undefined) !== (previous === undefined)) this.sorted = undefined;
    });
  }

  page(query: DevicesQuery): { readonly devices: readonly DeviceRecord[]; readonly nextCursor?: string } {
    const ids = this.ids();
    const devices: DeviceRecord[] = [];
    for (
      let index = query.cursor === undefined ? 0 : firstAfter(ids, query.cursor);
      index < ids.length;
      index++
    ) {
      const device = this.tables.devices.get(ids[index] ?? '');
      if (!device || !this.matches(device, query)) continue;
      const last = devices.at(-1);
      if (last && devices.length === query.limit)
        return { devices, nextCursor: Buffer.from(last.id).toString('base64url') };
      devices.push(device);
    }
    return { devices };
  }

  private matches(device: DeviceRecord, query: DevicesQuery): boolean {
    if (query.online !== undefined && query.online !== (this.presence.session(device.id) !== undefined))
      return false;
    return (query.label ?? []).every((wanted) => hasLabel(device.labels, wanted));
  }

  private ids(): readonly string[] {
    this.sorted ??= [...this.tables.devices.entries()].map(([id]) => id).toSorted(byCodeUnit);
    return this.sorted;
  }
}

/** `name`, or `name:value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const colon = wanted.indexOf(':');
  if (colon < 0) return Object.hasOwn(labels, wanted);
  const name = wanted.slice(0, colon);
  return Object.hasOwn(labels, name) && labels[name] === wanted.slice(colon + 1);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Binary search: the first index whose id is greater than the cursor's. */
function firstAfter(ids: readonly string[], cursor: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? '') <= cursor) low = middle + 1;
    else high = middle;
  }
  return low;
}
