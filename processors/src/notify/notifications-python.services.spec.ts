import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { fencedBlocks } from '../testing/fenced-blocks.js';
import { signatureOf } from './webhook/webhook-secret.js';

const SECRET = 'a-secret-of-a-test';
const ASK = `
import json, sys
calls = json.loads(sys.argv[1])
print(json.dumps([is_from_fieldgate(headers, body.encode(), secret) for headers, body, secret in calls]))
`;

function headersAt(ms: number, body: string): Record<string, string> {
  const seconds = Math.floor(ms / 1000);
  const signature = signatureOf(Buffer.from(SECRET), {
    id: 'a~b~1~raised',
    seconds,
    body: Buffer.from(body),
  });
  return {
    'webhook-id': 'a~b~1~raised',
    'webhook-timestamp': String(seconds),
    'webhook-signature': signature,
  };
}

it('the signature check for Python takes our calls, and nothing else', async () => {
  const text = await readFile(new URL('../../../docs/notifications.md', import.meta.url), 'utf8');
  const [source = ''] = fencedBlocks(text, 'python');
  const now = Date.now(); // the receiver looks at its own clock
  const headers = headersAt(now, '{"ä":1}');
  const calls = [
    [headers, '{"ä":1}', SECRET],
    [headers, '{"ä":1}', 'another-secret-of-a-test'],
    [headers, '{"ä":2}', SECRET],
    [{ ...headers, 'webhook-id': 'another' }, '{"ä":1}', SECRET],
    [headersAt(now - 310_000, '{"ä":1}'), '{"ä":1}', SECRET],
  ];
  const { stdout } = await promisify(execFile)('python3', ['-c', source + ASK, JSON.stringify(calls)]);
  expect(JSON.parse(stdout)).toEqual([true, false, false, false, false]);
});
