import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promtool } from '../ops/services/prometheus-server.mjs';

const FOLDER = new URL('../ops/prometheus/', import.meta.url);
const rules = readFileSync(new URL('alerts.yml', FOLDER), 'utf8');
const scenes = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.test.yml'))
  .map((file) => fileURLToPath(new URL(file, FOLDER)));

it('Prometheus takes its configuration and the alert rules', async () => {
  const { code, output } = await promtool([
    'check',
    'config',
    fileURLToPath(new URL('prometheus.yml', FOLDER)),
  ]);
  expect(output).toContain('alerts.yml');
  expect(output).toContain(' rules found');
  expect(code).toBe(0);
});

it('the alerts fire in their scenes, no other does, and all are silent while all is well', async () => {
  expect(scenes.map((scene) => scene.slice(scene.lastIndexOf('/') + 1))).toContain('alerts.test.yml');
  const { code, output } = await promtool(['test', 'rules', ...scenes]);
  expect(output.match(/SUCCESS/g)).toHaveLength(scenes.length);
  expect(code).toBe(0);
});

it('every alert has a scene in which it fires', () => {
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(20);
  const text = scenes.map((scene) => readFileSync(scene, 'utf8')).join('\n');
  const expected = new Set(
    [...text.matchAll(/labels: '\{alertname="(\w+)"\}', value: 1/g)].map(([, name]) => name),
  );
  expect(names.filter((name) => !expected.has(name))).toEqual([]);
});

it('every alert says how severe it is, what it is about and where to read on', () => {
  for (const block of rules.split('- alert: ').slice(1)) {
    expect(block).toMatch(/severity: (warning|critical)\n/);
    for (const annotation of ['summary', 'description', 'runbook'])
      expect(block).toMatch(new RegExp(`^ +${annotation}: .+$`, 'm'));
  }
});
