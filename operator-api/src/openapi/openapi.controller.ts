import { Controller, Get, Header } from '@nestjs/common';
import { z } from 'zod';
import { Describe } from '../http/route-description.js';
import { API_VERSION } from './api-version.js';
import { DescribedRoutes } from './described-routes.js';
import { openApiDocument } from './openapi-document.js';
import { openApiPage } from './openapi-page.js';

/** What the API is, for programs and for people. Tells nothing that is not in the repository, and needs no key. */
@Controller()
export class OpenApiController {
  private made: { readonly document: Readonly<Record<string, unknown>>; readonly page: string } | undefined;

  constructor(private readonly routes: DescribedRoutes) {}

  @Describe({
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
  })
  @Get('openapi.json')
  document(): Readonly<Record<string, unknown>> {
    return this.make().document;
  }

  @Describe({
    summary: 'This document as a page',
    answers: { 200: { description: 'HTML', contentType: 'text/html' } },
  })
  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header(
    'content-security-policy',
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  )
  page(): string {
    return this.make().page;
  }

  /** Once, at the first call: the routes do not change while the process runs. */
  private make(): NonNullable<typeof this.made> {
    if (this.made) return this.made;
    const document = openApiDocument(this.routes.all(), API_VERSION);
    return (this.made = { document, page: openApiPage(document) });
  }
}
