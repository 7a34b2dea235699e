import type { Command } from '@fieldgate/contracts';

const BYTES_KEPT = 32 * 1024 * 1024;

/** The newest finished commands, for late answers and for whoever asks soon after. At its bound the oldest are forgotten. */
export class FinishedCommands {
  private readonly kept = new Map<string, { readonly command: Command; readonly size: number }>();
  private size = 0;

  /** `bytes`: of the commands as JSON. */
  constructor(private readonly most: { readonly count: number; readonly bytes?: number }) {}

  get(id: string): Command | undefined {
    return this.kept.get(id)?.command;
  }

  /** The oldest first. */
  *values(): IterableIterator<Command> {
    for (const { command } of this.kept.values()) yield command;
  }

  /** As the newest, in place of what was known of it. */
  keep(command: Command): void {
    this.forget(command.id);
    const { count, bytes = BYTES_KEPT } = this.most;
    const size = JSON.stringify(command).length; // once: it does not change while it stands here
    if (size > bytes) return;
    this.kept.set(command.id, { command, size });
    this.size += size;
    for (const id of this.kept.keys()) {
      if (this.kept.size <= count && this.size <= bytes) return;
      this.forget(id);
    }
  }

  private forget(id: string): void {
    this.size -= this.kept.get(id)?.size ?? 0;
    this.kept.delete(id);
  }
}
