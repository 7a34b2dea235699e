import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { DEFAULT_LIMITS } from './connection/limits.js';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'echo-broker-'));
  const [, code = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const file = join(folder, 'echo-broker.mjs');
  await writeFile(file, code);
  process.env['PORT'] = '0';
  const module = (await import(pathToFileURL(file).href)) as { server: Server }; // what the README exports
  ({ server } = module);
  if (!server.listening) await once(server, 'listening');
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

it.each([[4], [5]] as const)(
  'the echo broker of the README answers MQTT.js in version %i',
  async (version) => {
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const client: MqttClient = await connectAsync({ host: '127.0.0.1', port, protocolVersion: version });
    expect(await client.subscribeAsync('a/#', { qos: 2 })).toMatchObject([{ topic: 'a/#', qos: 2 }]);
    for (const qos of [0, 1, 2] as const) {
      const echo = new Promise((resolve) =>
        client.once('message', (topic, payload) => resolve([topic, payload.toString()])),
      );
      await client.publishAsync(`a/${qos}`, `hello ${qos}`, { qos });
      expect(await echo).toEqual([`a/${qos}`, `hello ${qos}`]);
    }
    await client.unsubscribeAsync('a/#');
    await client.endAsync();
  },
);

it('names every limit', () => {
  for (const limit of Object.keys(DEFAULT_LIMITS).filter((name) => !name.endsWith('Available')))
    expect(readme).toContain(`| \`${limit}\``);
});

it('is packed as what it runs and its types, without tests', () => {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'pipe',
  });
  const [{ files }] = JSON.parse(told.toString()) as [{ files: readonly { readonly path: string }[] }]; // as npm writes it
  const outside = files.filter(({ path }) => !/^(package\.json|README\.md|LICENSE|dist\/.*)$/.test(path));
  expect(outside).toEqual([]);
  expect(files.filter(({ path }) => /spec|testing/.test(path))).toEqual([]);
});

it('names its types', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  expect(JSON.parse(text)).toMatchObject({
    types: './dist/index.d.ts',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  });
});
