import { FieldgateError } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import { createParser } from 'eventsource-parser';
import type { ApiClient } from './api-client.js';
import type { StreamedEvent } from './watched-fleet.js';

/** Given up after so many attempts without a word: a little more than a minute. */
const MOST_ATTEMPTS = 20;
/** The API says every 15 s that it is there; of one that has gone without a farewell nothing else would tell. */
const SILENCE_MS = 45_000;

export interface StreamFilter {
  readonly device?: readonly string[];
  readonly label?: readonly string[];
}

/** Whoever watches. */
export interface StreamListener {
  take(event: StreamedEvent): void;
  /** The stream is open, also after it was lost. */
  connected(): void;
  /** It is not, and is tried again; told once until it is open again. */
  lost(reason: string): void;
}

/** Until it is aborted. Goes on where it was after a lost connection, also when nothing had come; a refusal ends it. */
export async function followStream(
  { api, filter: { device, label }, silenceMs = SILENCE_MS }: FollowedStream,
  signal: AbortSignal,
  listener: StreamListener,
): Promise<void> {
  let lastEventId: string | undefined;
  let isLost = false;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const silence = new Silence(silenceMs);
    let reason = 'the connection has ended';
    try {
      const headers: Record<string, string> =
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const either = AbortSignal.any([signal, silence.signal]);
      const body = await api.open('/v1/stream', { device, label }, headers, either);
      listener.connected();
      isLost = false;
      const parser = createParser({
        onEvent: ({ id, event, data }) => {
          attempt = 0;
          if (id !== undefined) lastEventId = id;
          if (event !== undefined && event !== 'position') listener.take({ event, data }); // a position says no more than its id
        },
      });
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
        silence.isBroken();
        parser.feed(chunk);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof FieldgateError && !error.retriable) throw error;
      if (attempt >= MOST_ATTEMPTS) throw error;
      reason = silence.signal.aborted ? 'nothing is heard any more' : messageOf(error);
    } finally {
      silence.end();
    }
    if (!signal.aborted && !isLost) listener.lost(reason);
    isLost = true;
    await pause(backOffMs(attempt), signal);
  }
}

export interface FollowedStream {
  readonly api: ApiClient;
  readonly filter: StreamFilter;
  readonly silenceMs?: number;
}

/** Aborts when nothing has broken it for too long. */
class Silence {
  private readonly over = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.timer = setTimeout(() => this.over.abort(), ms);
  }

  get signal(): AbortSignal {
    return this.over.signal;
  }

  isBroken(): void {
    this.timer.refresh();
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof FieldgateError) return error.message;
  return 'the connection is broken';
}
