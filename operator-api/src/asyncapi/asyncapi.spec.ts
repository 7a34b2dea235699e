import { LOG_TOPICS, parseUpTopic, splitDeviceTopic, TELEMETRY_FORMATS } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiUnderTest } from '../testing/api-under-test.js';
import { asyncApiDocument } from './asyncapi-document.js';
import { DEVICE_CHANNELS } from './device-messages.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** In a process of its own: the parser can not be loaded by jest's ESM loader. Prints what is wrong with the document on standard input. */
const VALIDATE = `
import { Parser } from '@asyncapi/parser';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const diagnostics = await new Parser().validate(text);
process.stdout.write(JSON.stringify(diagnostics.filter(({ severity }) => severity === 0)));
`;

async function problemsOf(document: unknown): Promise<unknown> {
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '-e', VALIDATE], {
    cwd: ROOT,
  });
  running.child.stdin?.end(JSON.stringify(document));
  return JSON.parse((await running).stdout);
}

it('is a valid AsyncAPI document', async () => {
  const document = asyncApiDocument('1.2.3');
  expect(await problemsOf(document)).toEqual([]);
  expect(await problemsOf({ ...document, channels: { wrong: { address: 5 } } })).not.toEqual([]);
}, 60_000);

it('has every topic of the log, and every kind of topic that devices use', () => {
  const { channels } = asyncApiDocument('1.2.3') as { channels: Record<string, { address: string }> }; // made above
  const addresses = Object.values(channels).map(({ address }) => address);
  expect(addresses).toEqual([...DEVICE_CHANNELS.map(({ address }) => address), ...Object.keys(LOG_TOPICS)]);
  const kinds = DEVICE_CHANNELS.filter(({ action }) => action === 'receive').map(({ address }) => {
    const filled = address
      .replace('{deviceId}', 'pump-7')
      .replace('{status}', '200')
      .replace(/\{\w+\}/g, 'x1');
    return parseUpTopic(splitDeviceTopic(filled)?.rest ?? '');
  });
  expect(kinds).toMatchObject([
    { kind: 'telemetry' },
    { kind: 'telemetry', format: 'senml' },
    { kind: 'telemetry', format: 'cbor' },
    { kind: 'telemetry', format: 'senml-cbor' },
    { kind: 'event' },
    { kind: 'response' },
    { kind: 'response' },
  ]);
});

it('shows the payload formats of telemetry with their content types', () => {
  const { channels } = asyncApiDocument('1.2.3') as {
    channels: Record<string, { messages: Record<string, { contentType: string; description?: string }> }>;
  }; // made above
  const ids = ['telemetry', 'telemetrySenml', 'telemetryCbor', 'telemetrySenmlCbor'];
  const messages = ids.map((id) => channels[id]?.messages[id]);
  const types = Object.values(TELEMETRY_FORMATS).map(({ contentType }) => contentType);
  expect(messages.map((message) => message?.contentType)).toEqual(types);
  for (const type of types) expect(messages[0]?.description).toContain(type);
});

it('is served without a key', async () => {
  const api = await (await new ApiUnderTest().start()).ready();
  const { status, body } = await api.call('GET /asyncapi.json', undefined, { authorization: '' });
  await api.stop();
  expect(status).toBe(200);
  expect(body).toMatchObject({ asyncapi: '3.0.0', info: { version: '0.1.0' } });
});
