import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { Describe } from '../http/route-description.js';
import { API_VERSION } from '../openapi/api-version.js';
import { asyncApiDocument } from './asyncapi-document.js';

/** What goes over MQTT and stands in the log, for programs. Needs no key. */
@Controller()
export class AsyncApiController {
  @Describe({
    summary: 'The MQTT topics and the topics of the log',
    answers: { 200: { description: 'AsyncAPI 3.0', schema: z.looseObject({ asyncapi: z.string() }) } },
  })
  @Get('asyncapi.json')
  channels(): Readonly<Record<string, unknown>> {
    return asyncApiDocument(API_VERSION);
  }
}
