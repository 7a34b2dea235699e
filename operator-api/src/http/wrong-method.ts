import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

/**
 * 405 with Allow for an address that exists under other methods; fastify itself answers 404 there. To be called before routes are added.
 * After the key was asked for (`onRequest`), and before a body is read.
 */
export function refuseWrongMethods(fastify: FastifyInstance): void {
  const routes = new Map<string, Set<string>>(); // methods by template, `/v1/devices/:id`
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = routes.get(url) ?? new Set();
    for (const each of [method].flat()) methods.add(each);
    routes.set(url, methods);
  });
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const allowed = request.is404 ? allowedAt(routes, request.url) : '';
    if (allowed === '') return done(null, payload);
    void reply.header('allow', allowed);
    void reply.header('connection', 'close'); // a body may still be on its way, and nobody will read it
    done(
      new Problem('invalid-request', `${request.method} is not offered here, but ${allowed}`, {
        status: 405,
      }),
    );
  });
}

/** RFC 9110, section 10.2.1: `GET, HEAD`; nothing for an address that does not exist. */
function allowedAt(routes: ReadonlyMap<string, ReadonlySet<string>>, url: string): string {
  const path = url.replace(/\?.*/s, '');
  const allowed = new Set<string>();
  for (const [template, methods] of routes)
    if (fits(path, template)) for (const method of methods) allowed.add(method);
  return [...allowed].toSorted().join(', ');
}

function fits(path: string, template: string): boolean {
  const segments = path.split('/');
  const wanted = template.split('/');
  return (
    segments.length === wanted.length &&
    wanted.every((want, index) => (want.startsWith(':') ? segments[index] !== '' : segments[index] === want))
  );
}
