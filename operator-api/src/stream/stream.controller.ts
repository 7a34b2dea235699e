import { Get, Headers, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { invalidRequest } from '../http/problem.js';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import { STREAM_HEADERS, StreamClients } from './stream-clients.js';
import { parsePositions } from './stream-positions.js';
import { streamQuerySchema, type StreamRequest } from './stream-requests.js';

@OperatorController('stream')
export class StreamController {
  constructor(private readonly clients: StreamClients) {}

  @Describe({
    summary: 'Readings, events, alerts and command steps as they come',
    description:
      'Server-Sent Events; the data of each is the CloudEvent of the log. Goes on after `Last-Event-ID` without a gap. A client that does not read is disconnected.',
    query: streamQuerySchema,
    answers: { 200: { description: 'The stream, without an end', contentType: 'text/event-stream' } },
  })
  @Get()
  stream(
    @Query({ schema: streamQuerySchema }) query: StreamRequest,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): void {
    if (lastEventId !== undefined && lastEventId !== '' && !parsePositions(lastEventId))
      throw invalidRequest([{ path: ['Last-Event-ID'], message: 'must be the id of an earlier event' }]);
    this.clients.requireRoom();
    reply.hijack();
    if (reply.request.method === 'HEAD') return void reply.raw.writeHead(200, STREAM_HEADERS).end();
    this.clients.serve(reply.raw, lastEventId ? { ...query, lastEventId } : query);
  }
}
