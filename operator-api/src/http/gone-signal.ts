import type { FastifyReply } from 'fastify';

/** Aborted when the connection closes before the answer was written: nobody waits for it any more. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
