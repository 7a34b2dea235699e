import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promtool } from '../ops/services/prometheus-server.mjs';

const FOLDER = new URL('../ops/prometheus/', import.meta.url);
const rules = readFileSync(new URL('alerts.yml', FOLDER), 'utf8');
const scenes = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.test.yml'))
  .map((file) => new URL(file, FOLDER));

it('the alerts fire in their scenes, and no other does', async () => {
  expect(await promtool(['test', 'rules', ...scenes.map((scene) => fileURLToPath(scene))])).toMatchObject({
    code: 0,
  });
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
