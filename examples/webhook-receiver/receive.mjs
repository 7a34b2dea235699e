// Receives alerts by webhook, verifies that they are from Fieldgate, and prints them. Nothing but Node:
//   FIELDGATE_WEBHOOK_SECRET=… node examples/webhook-receiver/receive.mjs [port]
// A receiver of yours does the same three things: verify the signature, answer 2xx quickly, and take the same id twice for one.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const TOLERANCE_S = 300;
const MAX_BODY_BYTES = 1_048_576;

const secret = process.env.FIELDGATE_WEBHOOK_SECRET;
if (!secret) {
  process.stderr.write('FIELDGATE_WEBHOOK_SECRET must be set to the secret that Fieldgate signs with\n');
  process.exit(1);
}
const seen = new Set();

const server = createServer((request, response) => {
  const chunks = [];
  let bytes = 0;
  request.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) return void chunks.push(chunk);
    response.writeHead(413, { connection: 'close' }).end();
    request.destroy();
  });
  request.on('end', () => response.writeHead(received(request.headers, Buffer.concat(chunks))).end());
});

/** The status of the answer. */
function received(headers, body) {
  if (!isSigned(headers, body)) return 401;
  const { id, data } = JSON.parse(body.toString('utf8'));
  if (seen.has(id)) return 204; // a repeat: the answer to the first one was lost
  seen.add(id);
  const { step, alert } = data;
  process.stdout.write(`${step} ${alert.severity} ${alert.deviceId} ${alert.rule}: ${alert.text}\n`);
  return 204;
}

/** `webhook-signature: v1,<base64 of HMAC-SHA256(secret, "<id>.<timestamp>.<body>")>`, and not older than five minutes. */
function isSigned(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

server.listen(Number(process.argv[2] ?? 9000), '127.0.0.1', () => {
  process.stdout.write(`waiting for alerts on http://127.0.0.1:${server.address().port}\n`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close().closeAllConnections());
