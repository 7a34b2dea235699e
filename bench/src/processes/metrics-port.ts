import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { register } from 'prom-client';

/** `GET /metrics?name=…&name=…`: these alone, so that asking ten times a second costs the process next to nothing. */
export async function metricsPort(): Promise<number> {
  const server = createServer((request, response) => {
    const names = new URL(request.url ?? '/', 'http://metrics').searchParams.getAll('name');
    const texts = names.map((name) => register.getSingleMetricAsString(name));
    void Promise.all(texts).then(
      (metrics) => response.end(metrics.join('\n\n')),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // it listens on a port, not on a pipe
}
