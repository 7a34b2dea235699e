import { ERRORS, FieldgateError, type ErrorCode } from '@fieldgate/contracts';
import { LOGGER, MONOTONIC, RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { throwError, type Observable } from 'rxjs';
import { Problem } from './problem.js';

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/** Every answer that is not 2xx, also for routes that do not exist and bodies that cannot be read: RFC 9457 problem+json. */
@Catch()
export class ProblemJsonFilter implements ExceptionFilter {
  private readonly lines: RepeatedLines;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(MONOTONIC) monotonic: Clock,
  ) {
    this.lines = new RepeatedLines(logger, monotonic);
  }

  catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    // a filter of the whole application also meets the batches of consumer groups: their errors stay what they are
    if (host.getType() !== 'http') return throwError(() => error);
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = problemOf(error);
    if (problem.code === 'internal-error') this.report(error, request);
    if (problem.code === 'store-unavailable') this.reportStore(error);
    if (!reply.sent) sendProblem(problem, request, reply);
  }

  private report(error: unknown, request: FastifyRequest): void {
    const route = request.routeOptions?.url;
    this.logger.error({ err: error, requestId: request.id, method: request.method, route }, 'request failed');
  }

  /** The caller is told that it is so, and not why. */
  private reportStore(error: unknown): void {
    const why = error instanceof FieldgateError && error.cause !== undefined ? error.cause : error;
    this.lines.log('warn', 'store', { err: why }, 'request not answered by the store');
  }
}

export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="fieldgate"');
  if (problem.retriable) void reply.header('retry-after', '1');
  void reply
    .code(problem.status)
    .header('content-type', PROBLEM_JSON)
    .send(JSON.stringify(problemBody(problem, request.id)));
}

export function problemBody(problem: Problem, requestId?: string): Record<string, unknown> {
  const { says, todo } = ERRORS[problem.code];
  return {
    title: says,
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ...(problem.code === 'invalid-request' && problem.errors === undefined ? {} : { todo }), // it points at the errors
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    ...problem.extension,
    ...(problem.code === 'internal-error' ? { requestId } : {}),
  };
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof FieldgateError) return new Problem(error.code, error.message);
  const status = statusOf(error);
  // a 4xx of Nest or fastify is about the request, and its sentence is made for the caller; anything else is ours to mend
  if (status === undefined || status >= 500) return new Problem('internal-error');
  return new Problem(codeOfStatus(status), sentenceOf(error, status), { status });
}

/** Nest throws HttpException; fastify's own errors (malformed body or URL) carry `statusCode`. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' && error.statusCode >= 400 ? error.statusCode : undefined;
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'unauthorized';
  if (status === 404) return 'not-found';
  return status === 413 ? 'request-too-large' : 'invalid-request';
}

/** A parser's message quotes the body, which may hold a secret: 400 is answered with a sentence of ours. */
function sentenceOf(error: unknown, status: number): string {
  switch (status) {
    case 400:
      return isBadUrl(error) ? 'the URL is malformed' : 'the body is not the JSON that its headers announce';
    case 413:
      return 'the request body is larger than 1 MiB';
    case 415:
      return 'the body must be JSON: send content-type: application/json';
    default:
      return error instanceof Error ? error.message.slice(0, 200) : `HTTP ${status}`;
  }
}

function isBadUrl(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FST_ERR_BAD_URL';
}
