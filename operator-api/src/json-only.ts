import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

/** Nest and fastify bring parsers for forms and plain text, which a page of another origin may send without asking: 415 instead. */
@Injectable()
export class JsonOnly implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.removeContentTypeParser(['application/x-www-form-urlencoded', 'text/plain']);
  }
}
