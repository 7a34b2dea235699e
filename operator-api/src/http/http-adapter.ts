import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { answerClientError } from './client-error.js';
import { problemOf, sendProblem } from './problem-json.js';
import { refuseWrongMethods } from './wrong-method.js';

const MAX_BODY_BYTES = 1_048_576;
/** More than may wait for commands; a connection beyond it is closed at once. */
const MAX_CONNECTIONS = 4_000;
/** What a request that is under way has, when the process stops, to be answered. */
const FAREWELL_MS = 2_000;

/** The limits of the HTTP server itself, which exist before any module does: for whoever creates the application. */
export function operatorHttpAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    /** To receive a whole request, ms. An answer may take longer: a wait for a command is up to a minute. */
    requestTimeout: 30_000,
    connectionTimeout: 90_000,
    keepAliveTimeout: 72_000,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 200 }, // the id of an alert has up to 149
    // the router refuses a malformed URL or an endless parameter before any filter of Nest is there
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(problemOf(error), request, reply),
    clientErrorHandler: answerClientError,
  });
  const fastify = adapter.getInstance();
  fastify.server.maxConnections = MAX_CONNECTIONS;
  // answers hold secrets that are shown once, and states that are old in a moment
  fastify.addHook('onRequest', (_, reply, done) => {
    void reply.header('cache-control', 'no-store');
    done();
  });
  // one that has never sent a request counts as busy, and the server would wait for it for as long as its client likes
  fastify.addHook('preClose', (done) => {
    const late = setTimeout(() => fastify.server.closeAllConnections(), FAREWELL_MS);
    fastify.server.once('close', () => clearTimeout(late));
    done();
  });
  refuseWrongMethods(fastify);
  return adapter;
}
