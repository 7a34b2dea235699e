import { CLOCK, type Clock } from '@fieldgate/service';
import {
  alertPlaceOf,
  alertStateOf,
  TELEMETRY_STORE,
  type StoredAlert,
  type TelemetryStore,
} from '@fieldgate/telemetry-store';
import { Inject, Injectable } from '@nestjs/common';
import { invalidRequest, Problem } from '../http/problem.js';
import { rangeOf, type Range } from '../http/query-schemas.js';
import type { AlertsRequest } from './alert-requests.js';
import { AlertStates } from './alert-states.js';

const LAST_DAY_MS = 86_400_000;

/** Open alerts are known from the log, also while the store is away; the cleared ones are in the store. */
@Injectable()
export class FindAlerts {
  constructor(
    private readonly states: AlertStates,
    @Inject(TELEMETRY_STORE) private readonly store: TelemetryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Or 404. */
  async get(id: string): Promise<StoredAlert> {
    const alert = alertPlaceOf(id) && (this.states.open(id) ?? (await this.store.alert(id)));
    if (!alert) throw new Problem('alert-not-found', `no alert "${id.slice(0, 64)}" is known`);
    return alert;
  }

  /** The newest raised first. */
  async list(query: AlertsRequest): Promise<readonly StoredAlert[]> {
    const range = rangeOf(query, LAST_DAY_MS, this.clock.now());
    if (!range) throw invalidRequest([{ path: ['to'], message: 'must be later than from' }]);
    const found = new Map(this.fromLog(query).map((alert) => [alert.id, alert]));
    for (const alert of await this.fromStore(query, range)) found.set(alert.id, alert); // what is cleared opens no more
    return [...found.values()]
      .toSorted((a, b) => b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : 1))
      .slice(0, query.limit);
  }

  /** Of any age, unless a range is named. */
  private fromLog(query: AlertsRequest): StoredAlert[] {
    const { state, device, rule, severity, from = 0, to = Number.POSITIVE_INFINITY } = query;
    return [...this.states.allOpen()].filter(
      (alert) =>
        (state === undefined || alertStateOf(alert) === state) &&
        (device === undefined || alert.deviceId === device) &&
        (rule === undefined || alert.rule === rule) &&
        (severity === undefined || alert.severity === severity) &&
        alert.raisedAt >= from &&
        alert.raisedAt < to,
    );
  }

  private async fromStore(query: AlertsRequest, range: Range): Promise<readonly StoredAlert[]> {
    const { state, device, rule, severity, limit } = query;
    if (state !== undefined && state !== 'cleared') return [];
    return this.store.alerts({
      ...range,
      limit,
      state: 'cleared',
      ...(device === undefined ? {} : { deviceId: device }),
      ...(rule === undefined ? {} : { rule }),
      ...(severity === undefined ? {} : { severity }),
    });
  }
}
