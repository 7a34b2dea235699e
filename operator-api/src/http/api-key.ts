import { secretMatches } from '@fieldgate/contracts';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OPERATOR_API_CONFIG, type OperatorApiConfig } from '../operator-api.config.js';
import { Problem } from './problem.js';

/**
 * `Authorization: Bearer <api key>` (RFC 6750, section 2.1) for everything below `/v1`, compared in constant time with the hash that is
 * kept. A hook of fastify and no guard of Nest: a guard is asked only after the body was read and parsed.
 */
@Injectable()
export class ApiKey implements OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(OPERATOR_API_CONFIG) private readonly config: OperatorApiConfig,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', (request, reply, done) => {
      const wrong = isBelowV1(request) ? this.wrongKey(request) : undefined;
      if (wrong) void reply.header('connection', 'close'); // a body may still be on its way, and nobody will read it
      done(wrong);
    });
  }

  private wrongKey({ headers }: FastifyRequest): Problem | undefined {
    const key = /^Bearer +([\x21-\x7e]{1,256})$/i.exec(headers.authorization ?? '')?.[1];
    if (key === undefined) return new Problem('unauthorized', 'the request carries no API key');
    return secretMatches(key, this.config.adminKeyHash)
      ? undefined
      : new Problem('unauthorized', 'the API key is wrong');
  }
}

/** By the route that was found, which a URL may spell in several ways; by the URL where there is none. */
function isBelowV1({ routeOptions, url }: FastifyRequest): boolean {
  return /^\/v1([/?]|$)/.test(routeOptions.url ?? url);
}
