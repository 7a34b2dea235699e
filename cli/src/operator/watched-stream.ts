import { FieldgateError } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import { createParser } from 'eventsource-parser';
import type { ApiClient } from './api-client.js';
import type { StreamedEvent } from './watched-fleet.js';

/** Given up after so many attempts without a word. */
const MOST_ATTEMPTS = 20;

export interface StreamFilter {
  readonly device?: readonly string[];
  readonly label?: readonly string[];
}

/** Until it is aborted. Goes on where it was after a lost connection, also when nothing had come; a refusal ends it. */
export async function followStream(
  api: ApiClient,
  { device, label }: StreamFilter,
  signal: AbortSignal,
  take: (event: StreamedEvent) => void,
): Promise<void> {
  let lastEventId: string | undefined;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const headers: Record<string, string> =
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const body = await api.open('/v1/stream', { device, label }, headers, signal);
      const parser = createParser({
        onEvent: ({ id, event, data }) => {
          attempt = 0;
          if (id !== undefined) lastEventId = id;
          if (event !== undefined && event !== 'position') take({ event, data }); // a position says no more than its id
        },
      });
      for await (const chunk of body.pipeThrough(new TextDecoderStream())) parser.feed(chunk);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof FieldgateError && !error.retriable) throw error;
      if (attempt >= MOST_ATTEMPTS) throw error;
    }
    await pause(backOffMs(attempt), signal);
  }
}
