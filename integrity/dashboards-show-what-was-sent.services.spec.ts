import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Answer } from './support/grafana/answers.js';
import { dashboards, type Panel } from './support/grafana/dashboard.js';
import { DashboardReader, type Chosen } from './support/grafana/dashboard-reader.js';
import { rowsOf, type Expectation } from './support/grafana/expectation.js';
import { GATEWAY_PANELS } from './support/grafana/gateway-panels.js';
import { DEVICE_PANELS, FLEET_PANELS } from './support/grafana/influx-panels.js';
import { COMMANDED, DEVICES, ROUNDS, SENT } from './support/grafana/lively-fleet.js';
import { openPlayedFleet, type PlayedFleet } from './support/grafana/played-fleet.js';
import { settles } from './support/grafana/settles.js';

jest.setTimeout(60_000);

const ALL = dashboards();
const FLEET = byUid('fieldgate-fleet');
const DEVICE = byUid('fieldgate-device');
const GATEWAY = byUid('fieldgate-gateway');
const EVERY_DEVICE = [...DEVICES, COMMANDED];

describe.each(['kafka', 'embedded'] as const)('with the %s log', (log) => {
  let played: PlayedFleet;
  let reader: DashboardReader;

  beforeAll(async () => {
    played = await openPlayedFleet(log);
    reader = new DashboardReader(played.services, played.from);
  }, 180_000);
  afterAll(() => played?.close(), 60_000);

  function shows(panel: Panel, expectation: Expectation, chosen: Chosen = {}): Promise<void> {
    const { startMs, launchedMs } = played;
    return settles(async () => {
      const askedMs = Date.now();
      const answers = await reader.panel(panel, chosen, askedMs);
      const raw = (selector: string): Promise<Answer> => reader.raw(selector, askedMs);
      const samples = (selector: string): Promise<Answer> => reader.samples(selector, askedMs);
      await expectation(answers, { log, startMs, launchedMs, askedMs, raw, samples });
    });
  }

  it.each(panelsOf(FLEET))('fleet overview: %s', async (title, panel) => {
    await shows(panel, expectationOf(FLEET_PANELS, title));
  });

  it.each(panelsOf(GATEWAY))('the gateway itself: %s', async (title, panel) => {
    const chosen = {
      instance: { chosen: await reader.options(variable(GATEWAY, 'instance')), multi: true, allValue: '.+' },
    };
    await shows(panel, expectationOf(GATEWAY_PANELS, title), chosen);
  });

  it('a process that is chosen on the gateway board is shown alone', async () => {
    const [instance = ''] = await reader.options(variable(GATEWAY, 'instance'));
    const [, panel] = panelsOf(GATEWAY).find(([title]) => title === 'CPU') ?? [];
    const [cores] = panel ? await reader.panel(panel, { instance: { chosen: [instance], multi: true } }) : [];
    expect(cores?.map(({ labels }) => labels['instance'])).toEqual([instance]);
  });

  describe.each(EVERY_DEVICE)('for the device %s', (device) => {
    it.each(panelsOf(DEVICE))('one device: %s', async (title, panel) => {
      await shows(panel, expectationOf(DEVICE_PANELS, title)(device), choose(device));
    });

    it('annotations tell of its events, alerts and commands', async () => {
      const [events, alerts, commands] = await Promise.all(
        DEVICE.annotations.list.map((annotation) => reader.annotation(annotation, choose(device))),
      );
      const pump = device === 'pump-1';
      expect(rowsOf(events).map(({ event }) => event)).toEqual(
        expect.arrayContaining(['connected', ...(pump ? ['overheated', 'door'] : [])]),
      );
      expect(rowsOf(alerts)).toHaveLength({ 'pump-1': ROUNDS + 1, 'pump.2': 1 }[device] ?? 0);
      expect(rowsOf(commands)).toHaveLength(device === COMMANDED ? 3 * ROUNDS : 0);
      for (const [index, annotation] of DEVICE.annotations.list.entries())
        for (const row of rowsOf([events, alerts, commands][index]))
          expect(Object.keys(row)).toEqual(
            expect.arrayContaining([
              annotation.textColumn ?? '',
              ...(annotation.tagsColumn ?? '').split(','),
            ]),
          );
      const ends = rowsOf(alerts).map(({ clearedAt }) => clearedAt);
      if (pump) expect(ends.filter((end) => end === null)).toHaveLength(1); // the others are cleared, and spans
    });
  });

  it('one metric that is chosen is shown alone', async () => {
    const chosen = { ...choose('pump-1'), metric: { chosen: ['pressure'], multi: true } };
    for (const [title, panel] of panelsOf(DEVICE)) {
      if (!['Last values', 'Metrics', 'Readings'].includes(title)) continue;
      const [answer] = await reader.panel(panel, chosen);
      expect(answer?.[0]?.columns.slice(1)).toEqual([expect.stringMatching(/^(last|mean|count)_pressure$/)]);
    }
  });

  it('variables offer the devices, their metrics and the processes', async () => {
    expect(await reader.options(variable(DEVICE, 'device'))).toEqual(EVERY_DEVICE.toSorted());
    expect(await reader.options(variable(DEVICE, 'metric'))).toEqual(['pressure', 'temperature']);
    expect(await reader.options(variable(GATEWAY, 'instance'))).toHaveLength(log === 'kafka' ? 3 : 1);
  });

  it('annotations of the other boards answer', async () => {
    const critical = await Promise.all(
      FLEET.annotations.list.map((annotation) => reader.annotation(annotation)),
    );
    expect(critical.flatMap(rowsOf)).toHaveLength(SENT.alertsRaised['too-hot']);
    for (const annotation of GATEWAY.annotations.list)
      expect(await reader.annotation(annotation)).toEqual([]); // nothing has restarted
  });

  it('Prometheus has the alert rules and none of them fails', async () => {
    const rules = await played.ruleHealth();
    expect(rules.length).toBeGreaterThan(15);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });
});

it('every panel has an expectation, and every expectation a panel', () => {
  const titles = [FLEET, DEVICE, GATEWAY].map((board) =>
    panelsOf(board)
      .map(([title]) => title)
      .toSorted(),
  );
  expect(titles).toEqual(
    [FLEET_PANELS, DEVICE_PANELS, GATEWAY_PANELS].map((expected) => Object.keys(expected).toSorted()),
  );
  expect(ALL).toHaveLength(titles.length);
});

function byUid(uid: string): (typeof ALL)[number] {
  const found = ALL.find((dashboard) => dashboard.uid === uid);
  if (!found) throw new Error(`no dashboard ${uid}`);
  return found;
}

function panelsOf(dashboard: (typeof ALL)[number]): [string, Panel][] {
  return dashboard.panels.map((panel) => [panel.title, panel]);
}

function expectationOf<T>(expectations: Readonly<Record<string, T>>, title: string): T {
  const expectation = expectations[title];
  if (expectation === undefined) throw new Error(`nothing is expected of the panel "${title}"`);
  return expectation;
}

function variable(dashboard: (typeof ALL)[number], name: string): (typeof dashboard.templating.list)[number] {
  const found = dashboard.templating.list.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no variable ${name}`);
  return found;
}

function choose(device: string): Chosen {
  return { device: { chosen: [device], multi: false }, metric: { chosen: [], multi: true, allValue: '.*' } };
}
