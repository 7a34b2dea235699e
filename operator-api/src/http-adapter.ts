import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { problemOf, sendProblem } from './problem-json.js';

const MAX_BODY_BYTES = 1_048_576;

/** The limits of the HTTP server itself, which exist before any module does: for whoever creates the application. */
export function operatorHttpAdapter(): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    /** To receive a whole request, ms. An answer may take longer: a wait for a command is up to a minute. */
    requestTimeout: 30_000,
    connectionTimeout: 90_000,
    keepAliveTimeout: 72_000,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 128 },
    // the router refuses a malformed URL or an endless parameter before any filter of Nest is there
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(problemOf(error), request, reply),
  });
}
