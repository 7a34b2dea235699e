import {
  PRESENCE_EVENTS,
  type Alert,
  type ClearReason,
  type EventRecord,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import { AlertSlot } from './judges/alert-slot.js';
import type { AlertTransition, DeviceFacts } from './alert-watch.js';
import { Conditions } from './judges/conditions.js';
import { DeviceClock } from './device-clock.js';
import { Flapping } from './judges/flapping.js';
import type { Arrived } from './judges/held-readings.js';
import type { Judge } from './judges/judge.js';
import { judgeOf } from './judges/judge-of.js';
import { isAbout, selects, type Rule } from './rules/rule.js';
import type { DeviceMemory } from './watch-memory.js';

/** What a device needs of the watch that it belongs to. */
export interface Surroundings {
  /** Undefined before the first record. */
  readonly arrivalMs: () => number | undefined;
  /** Since when the rule watches; Infinity before the first record. */
  readonly ruleSince: (rule: Rule) => number;
  readonly emit: (transition: AlertTransition) => void;
  readonly clockStepped: () => void;
}

/** All rules at one device. */
export class DeviceWatch {
  /** For the watch: when it looks here next, on the arrival clock. */
  scheduledMs = Infinity;
  isChanged = false;
  private readonly clock = new DeviceClock();
  /** `connected` and `disconnected` bear the time of a gateway. */
  private readonly presenceClock = new DeviceClock();
  private readonly conditions: Conditions;
  private judges: Judge[] = [];
  /** By the metric, or the type of event, that they judge. */
  private readonly byName = new Map<string, Judge[]>();
  /** They judge whatever comes. */
  private ofAll: Judge[] = [];
  private waiting: { readonly judge: Judge; readonly clock: DeviceClock }[] = [];
  private latenessMs = 0;

  constructor(
    private facts: DeviceFacts,
    rules: readonly Rule[],
    private readonly around: Surroundings,
  ) {
    this.conditions = new Conditions(facts.id, around.emit);
    this.arrange(rules.filter((rule) => selects(rule, facts)).map((rule) => this.newJudge(rule)));
  }

  get id(): string {
    return this.facts.id;
  }

  get createdAt(): number {
    return this.facts.createdAt;
  }

  /** False: some rule found it late. */
  reading(record: TelemetryRecord): boolean {
    this.take(this.clock, record);
    let isInTime = true;
    const { readings } = record;
    for (const metric in readings) {
      const judges = this.byName.get(metric);
      const value = readings[metric];
      if (judges === undefined || value === undefined) continue;
      for (const judge of judges) if (!judge.take(record, value)) isInTime = false;
    }
    for (const judge of this.ofAll) if (!judge.take(record, true)) isInTime = false;
    this.pass();
    return isInTime;
  }

  /** False: some rule found it late. */
  event(record: EventRecord, ignored: ReadonlySet<string>): boolean {
    const isPresence = PRESENCE_EVENTS.includes(record.event);
    this.take(isPresence ? this.presenceClock : this.clock, record);
    let isInTime = true;
    for (const judge of this.byName.get(record.event) ?? [])
      if (!judge.take(record, record.state)) isInTime = false;
    if (!isPresence && !ignored.has(record.event) && !this.conditions.apply(record)) isInTime = false;
    this.pass();
    return isInTime;
  }

  /** Time has passed. */
  pass(): void {
    const arrivalMs = this.around.arrivalMs() ?? -Infinity;
    for (const { judge, clock } of this.waiting) judge.pass(clock.at(arrivalMs), arrivalMs);
  }

  /** When `pass` has something to do, on the arrival clock. */
  nextArrivalMs(): number {
    let next = Infinity;
    for (const { judge, clock } of this.waiting) {
      const due = judge.nextMs();
      if (due !== Infinity) next = Math.min(next, clock.arrivalOf(due));
      next = Math.min(next, judge.nextArrivalMs());
    }
    return next;
  }

  /** Other rules, or other facts. */
  use(rules: readonly Rule[], facts: DeviceFacts = this.facts): void {
    this.facts = facts;
    const before = new Map(this.judges.map((judge) => [judge.settings.name, judge]));
    const judges = rules
      .filter((rule) => selects(rule, facts))
      .map((rule) => this.judgeFor(rule, before.get(rule.name)));
    for (const { name } of judges.map(({ settings }) => settings)) before.delete(name);
    for (const [name, judge] of before)
      judge.place.clear(
        this.nowMs(),
        rules.some((rule) => rule.name === name) ? 'not-selected' : 'rule-removed',
      );
    this.arrange(judges);
  }

  ignore(types: ReadonlySet<string>): void {
    this.conditions.ignore(types, this.nowMs());
  }

  clearAll(reason: ClearReason): void {
    for (const { place } of this.judges) place.clear(this.nowMs(), reason);
    this.conditions.clearAll(this.nowMs(), reason);
  }

  *open(): Generator<Alert> {
    for (const { place } of this.judges) if (place.open) yield place.open;
    yield* this.conditions.open();
  }

  memory(): DeviceMemory | undefined {
    const judges = this.judges.map((judge) => judge.memory()).filter((memory) => memory !== undefined);
    const conditions = this.conditions.memory();
    const late = this.conditions.lateMemory();
    const hasHeard = this.judges.length > 0 && (this.clock.hasHeard || this.presenceClock.hasHeard);
    if (judges.length === 0 && conditions.length === 0 && !hasHeard) return undefined;
    return {
      version: 1,
      createdAt: this.createdAt,
      clock: this.clock.memory(),
      presenceClock: this.presenceClock.memory(),
      judges,
      conditions,
      ...(late.length === 0 ? {} : { late }),
    };
  }

  /** False: something of it was not as it was written, and starts anew. */
  restore(
    { clock, presenceClock, judges, conditions, late = [] }: DeviceMemory,
    rules: readonly Rule[],
  ): boolean {
    this.clock.restore(clock);
    this.presenceClock.restore(presenceClock);
    this.conditions.restore(conditions, late);
    let isWhole = true;
    for (const memory of judges) {
      const judge = this.judges.find(({ settings }) => settings.name === memory.rule);
      if (judge?.settings.fingerprint === memory.fingerprint) {
        if (!judge.restore(memory)) isWhole = false;
        continue;
      }
      const place = judge?.place ?? new AlertSlot(this.around.emit);
      place.restore(memory.slot);
      if (judge && place.open && isAbout(judge.settings, place.open)) continue;
      const isSelected = judge !== undefined || !rules.some(({ name }) => name === memory.rule);
      place.clear(this.nowMs(), isSelected ? 'rule-removed' : 'not-selected');
    }
    return isWhole;
  }

  private take(clock: DeviceClock, record: Arrived): void {
    const byMs = clock.take(record, this.latenessMs);
    if (byMs === 0 && clock === this.clock) this.conditions.forgetLate(clock.behindSinceMs);
    if (byMs === 0) return;
    this.around.clockStepped();
    for (const judge of this.judges) if (this.clockOf(judge.settings) === clock) judge.setBack(record, byMs);
    if (clock === this.clock) this.conditions.setBack();
  }

  private judgeFor(rule: Rule, before: Judge | undefined): Judge {
    if (!before) return this.newJudge(rule, { isLater: true });
    if (before.settings.fingerprint === rule.fingerprint) {
      before.adopt(rule);
      return before;
    }
    const { place } = before;
    if (place.open && !isAbout(rule, place.open)) place.clear(this.nowMs(), 'rule-removed');
    const judge = this.newJudge(rule, { place });
    if (judge instanceof Flapping && before instanceof Flapping && place.open) judge.goOnFrom(before);
    judge.tellAgainIfOther(before.settings);
    return judge;
  }

  private newJudge(
    rule: Rule,
    { place, isLater = false }: { readonly place?: AlertSlot; readonly isLater?: boolean } = {},
  ): Judge {
    const ruleSince = (): number => this.around.ruleSince(rule);
    const arrivalMs = this.around.arrivalMs();
    return judgeOf(rule, {
      place: place ?? new AlertSlot(this.around.emit),
      facts: () => this.facts,
      ruleSince,
      watchedFrom: isLater && arrivalMs !== ruleSince() ? arrivalMs : undefined,
    });
  }

  private arrange(judges: Judge[]): void {
    this.judges = judges;
    this.byName.clear();
    this.ofAll = [];
    for (const judge of judges) {
      const { settings } = judge;
      const name = settings.metric ?? (settings.kind === 'flapping' ? settings.event : undefined);
      if (name === undefined) this.ofAll.push(judge);
      else this.byName.set(name, [...(this.byName.get(name) ?? []), judge]);
    }
    this.waiting = judges
      .filter(({ waitsForTime }) => waitsForTime)
      .map((judge) => ({ judge, clock: this.clockOf(judge.settings) }));
    this.latenessMs = Math.max(0, ...judges.map(({ settings }) => settings.latenessMs));
  }

  private clockOf(rule: Rule): DeviceClock {
    const isOfPresence =
      rule.kind === 'flapping' && rule.event !== undefined && PRESENCE_EVENTS.includes(rule.event);
    return isOfPresence ? this.presenceClock : this.clock;
  }

  /** Its own time, or where it has shown none that of arrival. */
  private nowMs(): number {
    const arrivalMs = this.around.arrivalMs() ?? 0;
    return this.clock.hasHeard ? this.clock.at(arrivalMs) : arrivalMs;
  }
}
