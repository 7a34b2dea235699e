import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FOLDER = fileURLToPath(new URL('../ops/prometheus', import.meta.url));

async function promtool(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('promtool', args, { cwd: FOLDER });
  return stdout + stderr;
}

it('Prometheus takes its configuration and the alert rules', async () => {
  expect(await promtool('check', 'config', 'prometheus.yml')).toContain('alerts.yml');
});

it('each alert is silent while all is well, and speaks when it is not', async () => {
  expect(await promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
});
