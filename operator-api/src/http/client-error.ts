import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problemBody, PROBLEM_JSON } from './problem-json.js';
import { Problem } from './problem.js';

/** What is no HTTP request, or too large or too slow for one: node gives it up before there is anything to route. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable) return void socket.destroy(); // gone, or answered already
  const { status, message } = problemOfClientError(error.code);
  const body = JSON.stringify(problemBody(new Problem('invalid-request', message, { status })));
  socket.write(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `content-type: ${PROBLEM_JSON}`,
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  socket.destroySoon();
}

function problemOfClientError(code: string | undefined): { status: number; message: string } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'the URL and the headers together are larger than 16 KiB' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'the request did not arrive in time' };
    case 'HPE_INVALID_METHOD':
      return { status: 400, message: 'the method is not one of HTTP' };
    case undefined:
    default:
      return { status: 400, message: 'this is not a request of HTTP/1.1' };
  }
}
