import { parseArgs } from 'node:util';
import { LabServer } from './lab-server.js';

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

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

const lab = new LabServer({
  host: values.host,
  port: Number(values.port),
  limits: { keepAliveMaximum: Number(values['max-keep-alive']) },
});
console.log(`lab broker: mqtt://${values.host}:${await lab.start()}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void lab.stop());
