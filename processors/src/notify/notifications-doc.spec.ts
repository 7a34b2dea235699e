import { readFile } from 'node:fs/promises';
import { parseRules } from '@fieldgate/alert-rules';
import { decodeAlertStep, isRejection } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { fencedBlocks } from '../testing/fenced-blocks.js';
import { signatureOf } from './webhook/webhook-secret.js';

type Check = (headers: object, body: Uint8Array, secret: string) => boolean;

const SECRET = 'a-secret-of-a-test';
const text = await readFile(new URL('../../../docs/notifications.md', import.meta.url), 'utf8');
/** The body of the call that the documentation shows. */
const body = Buffer.from(/\n\n(\{"specversion".*?)\n```/s.exec(text)?.[1] ?? '');

/** A call as the documentation shows it, signed at this time. */
function headersAt(ms: number): Record<string, string> {
  const [, id = ''] = /^webhook-id: (.*)$/m.exec(text) ?? [];
  const seconds = Math.floor(ms / 1000);
  const signature = signatureOf(Buffer.from(SECRET), { id, seconds, body });
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature };
}

it('every YAML that the documentation shows is part of a rules file', () => {
  const blocks = fencedBlocks(text, 'yaml');
  expect(blocks.length).toBeGreaterThan(0);
  const rule = '{ name: too-hot, metric: temperature, threshold: { above: 80 } }';
  for (const block of blocks) {
    const parsed = parseRules(`version: 1\nrules: [${rule}]\n${block}`);
    if (isRejection(parsed)) throw new Error(`${parsed.detail}\n${block}`);
    expect(parsed.notifications.length).toBeGreaterThan(0);
  }
});

it('the call that the documentation shows carries an alert as the log has it', () => {
  const record = decodeAlertStep(body);
  expect(record).toMatchObject({ id: headersAt(0)['webhook-id'], step: { step: 'raised' } });
});

it('the signature check for Node takes our calls, and nothing else', async () => {
  const [source = ''] = fencedBlocks(text, 'js');
  const url = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
  const { isFromFieldgate } = (await import(url)) as { isFromFieldgate: Check }; // else the next line fails
  const now = Date.now(); // the receiver looks at its own clock
  const headers = headersAt(now);
  expect(isFromFieldgate(headers, body, SECRET)).toBe(true);
  expect(isFromFieldgate(headers, body, 'another-secret-of-a-test')).toBe(false);
  expect(isFromFieldgate(headers, Buffer.concat([body, Buffer.from(' ')]), SECRET)).toBe(false);
  expect(isFromFieldgate({ ...headers, 'webhook-id': 'another' }, body, SECRET)).toBe(false);
  expect(isFromFieldgate({ ...headers, 'webhook-signature': undefined }, body, SECRET)).toBe(false);
  for (const ms of [now - 310_000, now + 310_000])
    expect(isFromFieldgate(headersAt(ms), body, SECRET)).toBe(false);
});
