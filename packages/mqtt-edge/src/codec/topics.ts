import { malformed, type Objection } from './protocol-violation.js';
import { scanUtf8, Utf8Finding } from './utf8.js';

/** A shared subscription, `$share/{name}/{filter}` (MQTT 5, 4.8.2). */
const SHARED = '$share/';

/** Whether it is a shared subscription, `$share/{name}/{filter}` (4.8.2); its form has still to be checked. */
export const isSharedFilter = (filter: string): boolean => filter.startsWith(SHARED);

/** What keeps these characters from being a topic name (4.7.1.1, 4.7.3); undefined: nothing. */
export function topicNameObjection(topic: string): Objection | undefined {
  const bytes = Buffer.from(topic); // a lone surrogate would become U+FFFD here: a string with one has not come from the wire
  if (bytes.length > 65_535) return malformed('MQTT-4.7.3-3', 'topic name is longer than 65535 bytes');
  return topicBytesObjection(bytes, 0, bytes.length, false);
}

/** The same for the bytes of a PUBLISH. `strict`: also no control characters and non-characters. */
export function topicBytesObjection(
  bytes: Uint8Array,
  from: number,
  to: number,
  strict: boolean,
): Objection | undefined {
  if (from === to) return malformed('MQTT-4.7.3-1', 'topic name is empty');
  const findings = scanUtf8(bytes, from, to);
  return findings === 0 ? undefined : nameObjection(findings, strict, 'topic name', true);
}

/** What a scan has found, as an objection to a string that names something. */
export function nameObjection(
  findings: number,
  strict: boolean,
  what: string,
  noWildcards: boolean,
): Objection | undefined {
  if (findings & Utf8Finding.malformed)
    return malformed('MQTT-1.5.4-1', `${what} is no UTF-8 or contains U+0000`);
  if (strict && findings & Utf8Finding.discouraged) {
    return malformed('1.5.4', `${what} contains a control character or a non-character`);
  }
  if (noWildcards && findings & Utf8Finding.wildcard)
    return malformed('MQTT-3.3.2-2', `${what} contains a wildcard`);
  return undefined;
}

/**
 * What keeps this string, known to be UTF-8, from being a topic filter (4.7.1, 4.7.3, 4.8.2). `shared`: the grammar of `$share/` applies;
 * it is MQTT 5's, before that such a filter is one like any other.
 */
export function topicFilterObjection(filter: string, shared: boolean): Objection | undefined {
  if (filter.length === 0) return malformed('MQTT-4.7.3-1', 'topic filter is empty');
  if (shared && isSharedFilter(filter)) return sharedFilterObjection(filter);
  return wildcardObjection(filter, 0);
}

function wildcardObjection(filter: string, from: number): Objection | undefined {
  for (let at = from; at < filter.length; at++) {
    const character = filter.charCodeAt(at);
    if (character !== 0x23 && character !== 0x2b) continue;
    const alone = at === from || filter.charCodeAt(at - 1) === 0x2f;
    const last = at === filter.length - 1;
    if (character === 0x23 && (!alone || !last)) {
      return malformed('MQTT-4.7.1-1', '# is not the whole last level of the topic filter');
    }
    if (character === 0x2b && (!alone || (!last && filter.charCodeAt(at + 1) !== 0x2f))) {
      return malformed('MQTT-4.7.1-2', '+ is not a whole level of the topic filter');
    }
  }
  return undefined;
}

function sharedFilterObjection(filter: string): Objection | undefined {
  const end = filter.indexOf('/', SHARED.length);
  if (end === SHARED.length) return malformed('MQTT-4.8.2-1', 'share name is empty');
  if (end === -1 || end === filter.length - 1) {
    return malformed('MQTT-4.8.2-2', 'share name is not followed by a topic filter');
  }
  for (let at = SHARED.length; at < end; at++) {
    const character = filter.charCodeAt(at);
    if (character === 0x23 || character === 0x2b) {
      return malformed('MQTT-4.8.2-2', 'share name contains a wildcard');
    }
  }
  return wildcardObjection(filter, end + 1);
}
