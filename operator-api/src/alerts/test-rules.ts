import { AlertWatch, parseRules, rulesOfRow, type DeviceFacts, type Rules } from '@fieldgate/alert-rules';
import { COMMIT_LOG, type CommitLog } from '@fieldgate/commit-log';
import { isRejection, type Alert, type Rejection } from '@fieldgate/contracts';
import { CLOCK, MONOTONIC, type Clock } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import { DeviceTables } from '../devices/device-tables.js';
import { invalidRequest, Problem } from '../http/problem.js';
import { rangeOf } from '../http/query-schemas.js';
import type { TestRulesRequest } from './alert-requests.js';
import { AlertStates } from './alert-states.js';
import { dryRun, type Both, type DryRunLimits, type DryRunOutcome, type WatchSource } from './dry-run.js';

export interface RulesTested {
  readonly readings: number;
  readonly events: number;
  /** The newest raised first. */
  readonly raised: readonly Alert[];
  readonly onlyHere: readonly Alert[];
  readonly onlyInForce: readonly Alert[];
  readonly truncated: boolean;
}

const LAST_DAY_MS = 86_400_000;
const LIMITS: DryRunLimits = { records: 5_000_000, ms: 60_000, alerts: 50_000 };

/** What rules would have raised over what is in the log, and what differs from the rules in force. */
@Injectable()
export class TestRules {
  private isBusy = false;

  constructor(
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    private readonly states: AlertStates,
    private readonly devices: DeviceTables,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(MONOTONIC) private readonly monotonic: Clock,
  ) {}

  async test(request: TestRulesRequest, gone: AbortSignal): Promise<RulesTested> {
    const rules = [usable(parseRules(request.rules)), this.inForce()] as const;
    const nowMs = this.clock.now();
    const range = rangeOf(request, LAST_DAY_MS, nowMs);
    if (!range) throw invalidRequest([{ path: ['to'], message: 'must be later than from' }]);
    if (this.isBusy) throw new Problem('too-many-requests', 'another test of rules is under way');
    this.isBusy = true;
    try {
      const toMs = Math.max(range.fromMs, Math.min(range.toMs, nowMs)); // nobody is silent in what is still to come
      return answered(await this.run(rules, { fromMs: range.fromMs, toMs }, gone), request.limit);
    } finally {
      this.isBusy = false;
    }
  }

  private run(
    [given, inForce]: Both<Rules>,
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    gone: AbortSignal,
  ): Promise<DryRunOutcome> {
    const deviceOf = (id: string): DeviceFacts | undefined => this.factsOf(id);
    return dryRun({
      reader: this.log.reader,
      monotonic: this.monotonic,
      devices: [...this.devices.devices.entries()].map(([id]) => id),
      watches: (source: WatchSource) => [
        new AlertWatch({ source, rules: given, deviceOf }),
        new AlertWatch({ source, rules: inForce, deviceOf }),
      ],
      fromMs,
      toMs,
      limits: LIMITS,
      gone,
    });
  }

  private factsOf(deviceId: string): DeviceFacts | undefined {
    const device = this.devices.devices.get(deviceId);
    if (!device) return undefined;
    const { id, type, labels, createdAt } = device;
    return { id, type, labels, createdAt };
  }

  private inForce(): Rules {
    return usable(rulesOfRow(this.states.rules()?.text ?? ''), 'the rules in force: ');
  }
}

function usable(rules: Rules | Rejection, prefix = ''): Rules {
  if (isRejection(rules)) throw new Problem('rules-invalid', `${prefix}${rules.detail}`);
  return rules;
}

/** Alerts of one device and rule that were raised at the same time are the same: their ids are made of these. */
function answered({ readings, events, raised, truncated }: DryRunOutcome, limit: number): RulesTested {
  const [here, inForce] = raised;
  const lists = {
    raised: newestFirst(here),
    onlyHere: newestFirst(here, inForce),
    onlyInForce: newestFirst(inForce, here),
  };
  return {
    readings,
    events,
    raised: lists.raised.slice(0, limit),
    onlyHere: lists.onlyHere.slice(0, limit),
    onlyInForce: lists.onlyInForce.slice(0, limit),
    truncated: truncated || Object.values(lists).some(({ length }) => length > limit),
  };
}

function newestFirst(alerts: ReadonlyMap<string, Alert>, without?: ReadonlyMap<string, Alert>): Alert[] {
  return [...alerts.values()]
    .filter(({ id }) => without?.has(id) !== true)
    .toSorted((a, b) => b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : 1));
}
