import { isObject } from '@fieldgate/contracts';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { Problem } from './problem.js';

/**
 * The only bodies there are. Nest and fastify bring parsers for forms and plain text, which a page of another origin may send without
 * asking: 415 instead. Their parser of JSON would refuse an empty body, and put U+FFFD for bytes that are not UTF-8.
 */
@Injectable()
export class JsonOnly implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.removeAllContentTypeParsers();
    // fastify has held the body to its limit before it calls these
    const asBuffer = { parseAs: 'buffer' } as const;
    fastify.addContentTypeParser('application/json', asBuffer, async (_: FastifyRequest, body: Buffer) =>
      parseBody(body),
    );
    fastify.addContentTypeParser(
      'application/merge-patch+json',
      asBuffer,
      async (request: FastifyRequest, body: Buffer) => {
        requirePatch(request);
        return parseBody(body);
      },
    );
  }
}

/** What the bytes say; undefined when there are none, whatever the headers announce. */
export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw refused('the body is not valid UTF-8');
  const value = parseJson(new TextDecoder().decode(body)); // which skips a byte order mark (RFC 8259, section 8.1)
  const poison = poisonIn(value);
  if (poison !== undefined) throw refused(`the body has a member ${poison}, which is not allowed`);
  return value;
}

function requirePatch({ method }: FastifyRequest): void {
  if (method === 'PATCH') return;
  const detail = 'a merge patch is for PATCH: send content-type: application/json';
  throw new Problem('invalid-request', detail, { status: 415 });
}

/** The parser's own message quotes the body, which may hold a secret. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused('the body is not the JSON that its headers announce');
  }
}

/** Members that change the prototype of whatever object a careless copy puts them into. */
function poisonIn(body: unknown): string | undefined {
  const open: unknown[] = [body]; // a stack of our own: 100,000 levels must not end the process
  while (open.length > 0) {
    const value = open.pop();
    if (isObject(value)) {
      if (Object.hasOwn(value, '__proto__')) return '"__proto__"';
      const { constructor } = value;
      if (
        Object.hasOwn(value, 'constructor') &&
        isObject(constructor) &&
        Object.hasOwn(constructor, 'prototype')
      )
        return '"constructor" with a "prototype"';
    } else if (!Array.isArray(value)) continue;
    for (const child of Object.values(value)) open.push(child);
  }
  return undefined;
}

function refused(detail: string): Problem {
  return new Problem('invalid-request', detail, { status: 400 });
}
