import type { NotificationSettings } from '@fieldgate/alert-rules';

/** What notifications need of the rules file. */
export interface NotifyRules {
  readonly rules: readonly { readonly name: string; readonly notify?: readonly string[] | undefined }[];
  readonly notifications: readonly NotificationSettings[];
}

/** The rules that count now. A file that cannot be used changes nothing. */
export interface RulesInForce {
  current(): NotifyRules;
  /** Called after `current` has changed, until the function that comes back is called. */
  changes(listener: () => void): () => void;
}

export const RULES_IN_FORCE = Symbol('RulesInForce');
