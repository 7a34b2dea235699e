export const READINESS = Symbol('Readiness');

/** Out of the ordinary, but no reason to send work elsewhere. */
export interface Remark {
  readonly remark: string;
}

/** Undefined when well, else one sentence for the person who looks at /readyz. */
export type ReadinessCheck = () => string | Remark | undefined;

/** What must be well before this process can do its job; each part adds its own check under its own name. */
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();
  private readonly waiting = new Set<() => void>();

  add(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** To be called when a check may have changed, so that whoever waits for `ready` need not poll. */
  changed(): void {
    if (this.report().ready) {
      for (const resolve of this.waiting) resolve();
      this.waiting.clear();
    }
  }

  report(): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> } {
    const checks: Record<string, string> = {};
    let ready = true;
    for (const [name, check] of this.checks) {
      const found = check() ?? { remark: 'ok' };
      checks[name] = typeof found === 'string' ? found : found.remark;
      ready &&= typeof found !== 'string';
    }
    return { ready, checks };
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.add(resolve);
      this.changed();
    });
  }
}
