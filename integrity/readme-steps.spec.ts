import { Inbox } from '@fieldgate/commit-log/testing';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './support/temporary-folder.js';

jest.setTimeout(120_000);

const ROOT = fileURLToPath(new URL('..', import.meta.url));

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const shells: Shell[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await Promise.all(shells.splice(0).map((shell) => shell.stop()));
  await folder.remove();
});

it('the steps of the README lead from a start to an alert by webhook', async () => {
  const section = sectionOf(await readFile(join(ROOT, 'README.md'), 'utf8'), 'An alert by webhook');
  const [first = '', second = ''] = blocks(section, 'sh');
  const expected = blocks(section, 'text')[0]?.trim().split('\n') ?? [];
  expect(expected).toHaveLength(2);
  const ports = { mqtt: await freePort(), http: await freePort(), receiver: await freePort() };
  const rules = await readFile(join(ROOT, 'examples/webhook-receiver/rules.yaml'), 'utf8');
  const rulesFile = join(folder.path, 'rules.yaml');
  await writeFile(rulesFile, replaced(rules, [['127.0.0.1:9000', `127.0.0.1:${ports.receiver}`]]));

  const one = run(
    replaced(first, [
      ['receive.mjs', `receive.mjs ${ports.receiver}`],
      ['examples/webhook-receiver/rules.yaml', rulesFile],
    ]),
    {
      FIELDGATE_DATA_DIR: join(folder.path, 'data'),
      FIELDGATE_MQTT_PORT: String(ports.mqtt),
      FIELDGATE_HTTP_PORT: String(ports.http),
    },
  );
  const key = await one.printed(/export FIELDGATE_ADMIN_KEY=(\S+)/);
  const api = `--http http://127.0.0.1:${ports.http}`;
  const two = run(
    replaced(second, [
      ['FIELDGATE_ADMIN_KEY=…', `FIELDGATE_ADMIN_KEY=${key}`],
      ['devices add boiler-1', `devices add boiler-1 ${api}`],
      ['alerts list --device boiler-1', `alerts list --device boiler-1 ${api}`],
      ['-h 127.0.0.1', `-h 127.0.0.1 -p ${ports.mqtt}`],
    ]),
  );
  for (const line of expected) await one.printed(new RegExp(`^(${escaped(line)})$`));
  expect(await two.ended).toBe(0);
  expect(two.lines.all.join('\n')).toMatch(/critical.*boiler-1.*too-hot/);
});

it('the steps of the README lead from a start to a reading', async () => {
  const section = sectionOf(await readFile(join(ROOT, 'README.md'), 'utf8'), 'Use it');
  const [key = '', register = '', ...rest] = commands(blocks(section, '')[0] ?? '');
  const mqtt = await freePort();
  const http = await freePort();
  const start = run('npm start', {
    FIELDGATE_DATA_DIR: join(folder.path, 'data'),
    FIELDGATE_MQTT_PORT: String(mqtt),
    FIELDGATE_HTTP_PORT: String(http),
  });
  const given = await start.printed(/export KEY=(\S+)/);
  const withKey = replaced(key, [['KEY=…', `KEY=${given}`]]);
  const api: [string, string] = ['127.0.0.1:8080', `127.0.0.1:${http}`];
  // the answers of the API have no end of line
  const registered = run(`${withKey}\n${replaced(register, [api])}\necho`);
  const secret = await registered.printed(/"secret":"([^"]+)"/);
  const steps = replaced(rest.join('\n'), [
    api,
    ['SECRET=…', `SECRET=${secret}`],
    ['-h 127.0.0.1', `-h 127.0.0.1 -p ${mqtt}`],
  ]);
  const latest = run(`${withKey}\n${steps}\necho`);
  await latest.printed(
    /^\{"deviceId":"pump-7","readings":\{"temperature":\{"value":71.4,"time":"[^"]+"\}\}\}/,
  );
  expect(await latest.ended).toBe(0);
});

/** What stands behind the prompts of a transcript. */
function commands(transcript: string): string[] {
  return [...transcript.matchAll(/^\$ ((?:.*\\\n)*.*)$/gm)].map(([, command = '']) => command);
}

function sectionOf(text: string, title: string): string {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`the README has no section "${title}"`);
  return section;
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, body = '']) => body,
  );
}

/** Every one of them must be there: a step that was renamed is not run with the ports of a user. */
function replaced(text: string, changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the steps do not hold "${from}" any more`);
    return changed.replaceAll(from, to);
  }, text);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  server.close();
  await once(server, 'close');
  return port;
}

interface Shell {
  readonly lines: Inbox<string>;
  readonly ended: Promise<number | null>;
  /** The first group of the first line that fits. */
  printed(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/** As a user would: in the root of the repository, in a shell that ends at the first failure. */
function run(script: string, environment: Record<string, string> = {}): Shell {
  const child = spawn('bash', ['-euc', script], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own: npm start and the receiver end with the shell
  });
  const lines = new Inbox<string>();
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      parts.forEach((line) => lines.push(line));
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const shell: Shell = {
    lines,
    ended,
    printed: async (pattern) => {
      await Promise.race([lines.until((all) => all.some((line) => pattern.test(line))), ended]);
      const found = lines.all.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (!found) throw new Error(`ended without ${String(pattern)}:\n${lines.all.join('\n')}`);
      return found[1] ?? found[0];
    },
    stop: async () => {
      endGroup(child);
      await ended;
    },
  };
  shells.push(shell);
  return shell;
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ended already
  }
}
