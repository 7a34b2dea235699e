import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Address } from './public-address.js';

export interface Post {
  readonly url: URL;
  /** Where to connect; the name in the URL is for the Host header and the certificate. */
  readonly addresses: readonly Address[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

const MOST_ANSWER_BYTES = 4 * 1024;

/** One POST on a connection of its own. Redirects are answers like all others. Rejects when there is no answer; a status that has come counts, however its body ends. */
export function post({ url, addresses, headers, body, signal }: Post): Promise<Answer> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': String(body.byteLength), connection: 'close' },
      lookup: fixedLookup(addresses),
      signal,
    });
    let answer: Answer | undefined;
    call.on('error', (error) => (answer ? resolve(answer) : reject(error)));
    call.on('response', (response) => {
      const come = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
      answer = come;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > MOST_ANSWER_BYTES) response.destroy();
      });
      response.on('error', () => resolve(come)); // broken off in the body, or our time is up
      response.on('close', () => resolve(come));
    });
    call.end(body);
  });
}

/** Answers with what was checked, whatever the name servers say by now. */
function fixedLookup(addresses: readonly Address[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) return callback(null, [...addresses]);
    callback(null, first?.address ?? '', first?.family);
  };
}
