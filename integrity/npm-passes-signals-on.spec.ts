import { Inbox } from '@fieldgate/commit-log/testing';
import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { atEndOfEachTest } from './support/at-end.js';
import { temporaryFolder } from './support/temporary-folder.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const atEnd = atEndOfEachTest();

it.each<[string, RegExp, string[]]>([
  ['start', /"msg":"ready"/, []],
  ['demo', /2\/2 connected/, ['--devices', '2']],
  ['lab-broker', /lab broker: mqtt/, ['--port', '0']],
])(
  'SIGTERM to npm run %s ends what it has started',
  async (script, isUp, args) => {
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    const npm = spawn('npm', ['run', script, '--'].concat(args), {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        FIELDGATE_DATA_DIR: folder.path,
        FIELDGATE_HTTP_PORT: '0',
        FIELDGATE_MQTT_PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own: nothing that this test starts outlives it
    });
    const { pid = 0 } = npm;
    atEnd(() => endGroup(pid));
    const lines = new Inbox<string>();
    for (const stream of [npm.stdout, npm.stderr])
      createInterface(stream).on('line', (line) => lines.push(line));
    await lines.until((all) => all.some((line) => isUp.test(line)));
    const closed = once(npm, 'close'); // when nobody holds its output any more: npm, its shell and node
    process.kill(pid, 'SIGTERM');
    await closed;
    expect(() => process.kill(-pid, 0)).toThrow('ESRCH');
  },
  60_000,
);

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ended already
  }
}
