import type { AlertStep, ErrorCode } from '@fieldgate/contracts';

/** One step of one alert, on its way to one sink. */
export interface Notification {
  /** The same whenever the step is sent again. */
  readonly id: string;
  readonly step: AlertStep;
  /** The CloudEvent as it stands in the log. */
  readonly event: Uint8Array;
}

/** `again`: may pass; not before `afterMs`, where the receiver has said so. `refused`: would be refused again. Details hold no secrets. */
export type SendResult =
  | { readonly kind: 'delivered'; readonly detail?: string }
  | { readonly kind: 'again'; readonly detail: string; readonly afterMs?: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string };

/** How a sink reaches its receiver. Failures are answers, not exceptions; one call ends within about 10 s, or when `signal` is aborted. */
export interface Sender {
  send(notification: Notification, signal: AbortSignal): Promise<SendResult>;
  close(): void;
}

/** The whole of one call, connecting included. */
export const SEND_TIMEOUT_MS = 10_000;

/** Ends the work when its time is up, or when the sink stops; what fails then, or fails in the world outside, may pass. */
export async function inTime(
  {
    stop,
    timeoutMs,
    receiver,
  }: { readonly stop: AbortSignal; readonly timeoutMs: number; readonly receiver: string },
  work: (signal: AbortSignal) => Promise<SendResult>,
): Promise<SendResult> {
  const ending = new AbortController();
  let isLate = false;
  const end = (): void => ending.abort();
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, timeoutMs);
  stop.addEventListener('abort', end, { once: true });
  try {
    if (stop.aborted) end();
    return await work(ending.signal);
  } catch (error) {
    return { kind: 'again', detail: isLate ? `${receiver} has not answered in time` : detailOf(error) };
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
  }
}

/** For people who mend the receiver: one line, and not long. */
export function detailOf(error: unknown): string {
  const text = error instanceof Error ? error.message || String(codeOf(error)) : String(error);
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, 300);
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
