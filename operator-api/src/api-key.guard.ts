import { secretMatches } from '@fieldgate/contracts';
import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { OPERATOR_API_CONFIG, type OperatorApiConfig } from './operator-api.config.js';
import { Problem } from './problem.js';

/** `Authorization: Bearer <api key>` (RFC 6750, section 2.1), compared in constant time with the hash that is kept. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(@Inject(OPERATOR_API_CONFIG) private readonly config: OperatorApiConfig) {}

  canActivate(context: ExecutionContext): boolean {
    const { authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    const key = /^Bearer +([\x21-\x7e]{1,256})$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) throw new Problem('unauthorized', 'the request carries no API key');
    if (!secretMatches(key, this.config.adminKeyHash))
      throw new Problem('unauthorized', 'the API key is wrong');
    return true;
  }
}
