import type { Rules } from '@fieldgate/alert-rules';
import { Module } from '@nestjs/common';

/** What notifications need of the rules. */
export type NotifyRules = Pick<Rules, 'notifications'> & {
  readonly rules: readonly Pick<Rules['rules'][number], 'name' | 'notify'>[];
};

/** The rules that count now, handed on within this process by those who read them; none before they have been read. */
export class CurrentRules {
  private rules: NotifyRules = { rules: [], notifications: [] };
  private readonly listeners = new Set<() => void>();

  use(rules: NotifyRules): void {
    this.rules = rules;
    for (const listener of this.listeners) listener();
  }

  get(): NotifyRules {
    return this.rules;
  }

  /** Until the function that comes back is called. */
  changes(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

@Module({ providers: [CurrentRules], exports: [CurrentRules] })
export class CurrentRulesModule {}
