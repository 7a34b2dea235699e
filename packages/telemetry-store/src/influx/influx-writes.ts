import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { FieldgateError } from '@fieldgate/contracts';
import { messageOf } from '../message-of.js';
import type { InfluxAddress } from './influx-address.js';

export interface InfluxResponse {
  readonly status: number;
  readonly body: string;
  readonly retryAfter?: string | undefined;
}

const TIMEOUT_MS = 10_000;
const SOCKETS = 8;
const MAX_BODY = 64 * 1024;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** `POST /write`, and the questions that belong to a write, over connections that stay open; line protocol as it is, because `writePoints` of the package costs half as much again. */
export class InfluxWrites {
  private readonly agent: HttpAgent | HttpsAgent;
  private readonly database: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(private readonly address: InfluxAddress) {
    const options = { keepAlive: true, maxSockets: SOCKETS };
    this.agent = address.protocol === 'https' ? new HttpsAgent(options) : new HttpAgent(options);
    this.database = encodeURIComponent(address.database);
    const { username, password } = address;
    const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
    this.headers = username === undefined ? {} : { authorization: `Basic ${credentials}` };
  }

  /** Whatever the server answers; throws `store-unavailable` when it does not. */
  post(lines: Buffer): Promise<InfluxResponse> {
    return this.send(`/write?precision=ns&db=${this.database}`, lines);
  }

  /** The same; the answer is JSON. */
  ask(query: string): Promise<InfluxResponse> {
    const form = new URLSearchParams({ q: query }).toString();
    return this.send(`/query?db=${this.database}`, Buffer.from(form), FORM);
  }

  close(): void {
    this.agent.destroy();
  }

  private send(
    path: string,
    body: Buffer,
    more: Readonly<Record<string, string>> = {},
  ): Promise<InfluxResponse> {
    const { protocol, host, port } = this.address;
    const request = protocol === 'https' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(
          new FieldgateError(
            'store-unavailable',
            `InfluxDB at ${this.address.shown} does not answer: ${reasonOf(cause)}`,
            { cause },
          ),
        );
      const sent = request(
        {
          agent: this.agent,
          host,
          port,
          path,
          method: 'POST',
          headers: { ...this.headers, ...more, 'content-length': body.length },
          signal: AbortSignal.timeout(TIMEOUT_MS), // from the first byte to the last: a socket timeout alone would wait for ever on a slow drip
        },
        (response) => {
          readBody(response).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                body: text,
                retryAfter: response.headers['retry-after'],
              }),
            failed,
          );
        },
      );
      sent.on('error', failed);
      sent.end(body);
    });
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const part of response) if (text.length < MAX_BODY) text += String(part);
  return text;
}

function reasonOf(cause: Error): string {
  return cause.name === 'AbortError' || cause.name === 'TimeoutError'
    ? `no answer within ${TIMEOUT_MS / 1000} s`
    : messageOf(cause);
}
