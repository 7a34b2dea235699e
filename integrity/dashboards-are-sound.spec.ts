import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { drawings } from '../ops/grafana/draw-dashboards.mjs';
import { dashboards, type Panel } from './support/grafana/dashboard.js';
import { provisionedDatasources } from './support/grafana/dashboard-reader.js';

const ROOT = new URL('../', import.meta.url);
const ALL = dashboards();
const datasources = provisionedDatasources();
const operations = read('docs/operations.md');

it('there are three dashboards, each with an identity of its own', () => {
  expect(ALL.map(({ uid }) => uid).toSorted()).toEqual([
    'fieldgate-device',
    'fieldgate-fleet',
    'fieldgate-gateway',
  ]);
  expect(new Set(ALL.map(({ title }) => title)).size).toBe(ALL.length);
});

describe.each(ALL.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_title, dashboard) => {
  const { panels, annotations, templating } = dashboard;

  it('has panels with an id and a title of their own, a description and a unit', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, description, fieldConfig } of panels) {
      expect(title).not.toBe('');
      expect(description).toMatch(/^[A-Z0-9].{10,}\.$/);
      expect(fieldConfig.defaults.unit).not.toBe('');
    }
  });

  it('has panels within the 24 columns that do not cover each other', () => {
    const overlapping = panels.flatMap((panel, index) =>
      panels
        .slice(index + 1)
        .filter((other) => overlap(panel, other))
        .map((other) => `${panel.title} and ${other.title}`),
    );
    expect(overlapping).toEqual([]);
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });

  it('reads only data sources that are provisioned, in their language', () => {
    const asked = [
      ...panels.flatMap(({ datasource, targets }) => [{ datasource }, ...targets]),
      ...annotations.list,
      ...templating.list,
    ];
    for (const { datasource } of asked)
      expect(datasources.map(({ uid, type }) => ({ uid, type }))).toContainEqual(datasource);
    for (const target of panels.flatMap(({ targets }) => targets)) {
      const isInflux = target.datasource.type === 'influxdb';
      expect([target.query, target.expr].map((query) => query !== undefined)).toEqual([isInflux, !isInflux]);
      expect(target.resultFormat !== undefined).toBe(isInflux);
    }
  });

  it('keeps to the chosen time range in every query of InfluxDB', () => {
    const queries = [...panels.flatMap(({ targets }) => targets), ...annotations.list].flatMap(
      ({ query }) => query ?? [],
    );
    expect(queries.filter((query) => !query.includes('$timeFilter'))).toEqual([]);
  });

  it('writes each annotation alike for old and new versions of Grafana', () => {
    for (const { datasource, query, target } of annotations.list) {
      if (datasource.type === 'influxdb') expect(target).toMatchObject({ query, fromAnnotations: true });
    }
  });

  it('asks only for metrics that exist', () => {
    const documented = new Set(
      [...operations.matchAll(/^\| `(fieldgate_\w+)` +\|/gm)].map(([, name]) => name),
    );
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr?.match(/fieldgate_\w+/g) ?? []),
    );
    expect(asked.filter((name) => !documented.has(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([]);
  });
});

it('no address, name or password stands in the provisioning: all come from the environment that the docs name', () => {
  const text = read('ops/grafana/provisioning/datasources/fieldgate.yml');
  const given = [...text.matchAll(/^ *(?:url|user|password|dbName|basicAuth\w*|token): *(.*)$/gm)].map(
    ([, value = '']) => value,
  );
  expect(given).toHaveLength(5);
  for (const value of given) {
    expect(value).toMatch(/^\$__env\{GRAFANA_\w+\}$/);
    expect(operations).toContain(value.slice('$__env{'.length, -1));
  }
});

it('Grafana knows how often Prometheus reads', () => {
  const [, every] = /scrape_interval: (\w+)/.exec(read('ops/prometheus/prometheus.yml')) ?? [];
  expect(datasources.find(({ type }) => type === 'prometheus')?.jsonData.timeInterval).toBe(every);
});

it('the drawings in docs/images are up to date: node ops/grafana/draw-dashboards.mjs', () => {
  const drawn = drawings();
  expect(drawn).toHaveLength(ALL.length);
  for (const { name, svg } of drawn) {
    expect(read(`docs/images/${name}`)).toBe(svg);
    expect(operations).toContain(`](images/${name})`);
  }
  const images = readdirSync(new URL('docs/images/', ROOT)).filter((name) => name.startsWith('dashboard-'));
  expect(images.toSorted()).toEqual(drawn.map(({ name }) => name).toSorted());
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}
