import type { LogRecord } from '@fieldgate/commit-log';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BLANK_LINE = Buffer.from('\n\n');

/**
 * Records as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), without the blank line after the last
 * one: whoever writes them ends it with the id, which differs between clients. The data are the bytes of the log as they are.
 */
export function eventBlocks(event: string, records: readonly LogRecord[]): Buffer | undefined {
  const head = Buffer.from(`event: ${event}\ndata: `);
  const parts: Uint8Array[] = [];
  for (const { value } of records) {
    if (value === null) continue;
    if (parts.length > 0) parts.push(BLANK_LINE);
    parts.push(head, oneLine(value));
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts);
}

/** What others wrote to the topic may be JSON over several lines: between its tokens a line break is a space, and within them it can not be. */
function oneLine(value: Uint8Array): Uint8Array {
  if (!value.includes(LINE_FEED) && !value.includes(CARRIAGE_RETURN)) return value;
  return Buffer.from(value).map((byte) => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? 32 : byte));
}
