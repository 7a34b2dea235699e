import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { LabBroker } from './lab-broker.js';
import { LAB_LIMITS } from './lab-limits.js';

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const TICK_MS = 1_000;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '18830' },
    /** Seconds; what a client is told that asks for more, or for none. */
    'max-keep-alive': { type: 'string', default: '0' },
  },
});

if (!LOOPBACK.includes(values.host)) {
  console.error(`the lab broker lets everybody in: it listens on ${LOOPBACK.join(', ')} alone`);
  process.exit(2);
}

const broker = new LabBroker({
  limits: { keepAliveMaximum: Number(values['max-keep-alive']) },
  now: () => performance.now(),
  newClientId: () => `lab-${randomUUID()}`,
});
const server = createServer({ noDelay: true }, (socket) => broker.accept(socket));
server.maxConnections = LAB_LIMITS.connections;
const ticking = setInterval(() => broker.tick(), TICK_MS);

server.listen(Number(values.port), values.host, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  console.log(`lab broker: mqtt://${values.host}:${port}`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    server.close(() => clearInterval(ticking)); // when the last client has gone, or has been torn down by a tick
    broker.stop();
  });
