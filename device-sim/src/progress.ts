import type { FleetCounts } from './fleet.js';

/** Where a run shows what it does. */
export interface SimulationUi {
  /** Something has begun or ended. */
  say(line: string): void;
  /** Once a second while it runs. */
  progress(counts: FleetCounts, elapsedMs: number): void;
}

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BETWEEN = ' · ';
const PLAIN_EVERY_MS = 5_000;

/** One line that changes on a terminal; elsewhere (a file, a pipe) a line every 5 seconds. */
export class ProgressLine implements SimulationUi {
  private open = false;
  private lastPlainMs = Number.NEGATIVE_INFINITY;
  private before = { acknowledged: 0, elapsedMs: 0 };

  constructor(private readonly screen: Screen) {}

  say(line: string): void {
    this.screen.write(this.open ? `\n${line}\n` : `${line}\n`);
    this.open = false;
  }

  progress(counts: FleetCounts, elapsedMs: number): void {
    if (!this.screen.isTTY && elapsedMs - this.lastPlainMs < PLAIN_EVERY_MS) return;
    const seconds = Math.max(0.001, (elapsedMs - this.before.elapsedMs) / 1000);
    const text = progressText(counts, elapsedMs, (counts.acknowledged - this.before.acknowledged) / seconds);
    this.before = { acknowledged: counts.acknowledged, elapsedMs };
    this.lastPlainMs = elapsedMs;
    if (!this.screen.isTTY) return void this.screen.write(`${text}\n`);
    this.screen.write(`\r\u001b[K${fitting(text, (this.screen.columns ?? 120) - 1)}`);
    this.open = true;
  }
}

/** Whole parts only: a name without its number says nothing. */
export function fitting(text: string, room: number): string {
  if (text.length <= room) return text;
  return text.slice(0, Math.max(0, text.lastIndexOf(BETWEEN, room)));
}

export function progressText(counts: FleetCounts, elapsedMs: number, perSecond: number): string {
  const parts = [
    `${Math.floor(elapsedMs / 1000)} s`,
    `${counts.connected}/${counts.devices} connected`,
    `sent ${counts.sent}`,
    `acknowledged ${counts.acknowledged} (${Math.round(perSecond)}/s)`,
    `in flight ${counts.inFlight}`,
    `events ${counts.events}`,
    `answers ${counts.answers}`,
  ];
  if (counts.skipped > 0) parts.push(`skipped ${counts.skipped}`);
  if (counts.refused > 0) parts.push(`refused ${counts.refused}`);
  if (counts.sessionsLost > 0) parts.push(`sessions lost ${counts.sessionsLost}`);
  if (counts.problem !== undefined) parts.push(counts.problem.replace(/[^\x20-\x7e]/g, '?').slice(0, 80));
  return parts.join(BETWEEN);
}
