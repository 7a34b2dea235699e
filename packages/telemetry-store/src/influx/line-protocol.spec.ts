import { describe, expect, it } from '@jest/globals';
import { acknowledged, alert, cleared, command, event, raised, T0, telemetry } from '../testing/records.js';
import { fieldOf, linesOf, metricOf } from './line-protocol.js';

describe('line protocol', () => {
  it('is one line per type of value; the nanoseconds below the millisecond come from seq', () => {
    const entry = telemetry(
      'pump-7',
      { t: 71.4, on: true, n: -0, mode: 'a "b"\\' },
      { seq: 42, id: `${T0}-42` },
    );
    expect(linesOf(entry)).toEqual({
      points: 3,
      text:
        `telemetry,device=pump-7 t=71.4,n=-0 ${T0}000126\n` +
        `telemetry_flags,device=pump-7 on=true ${T0}000126\n` +
        `telemetry_texts,device=pump-7 mode="a \\"b\\"\\\\" ${T0}000126\n`,
    });
  });

  it('takes a hash of the id where there is no seq, the same each time', () => {
    const timeOf = (id: string) =>
      linesOf(telemetry('pump', { t: 1 }, { id }))
        .text.split(' ')
        .at(-1);
    expect(timeOf('a')).toMatch(new RegExp(`^${T0}\\d{6}\n$`));
    expect(timeOf('a')).toBe(timeOf('a'));
    expect(timeOf('a')).not.toBe(timeOf('b'));
  });

  it('writes a command where its id finds it', () => {
    const { text, points } = linesOf(command('pump'));
    expect(points).toBe(2);
    expect(text).toMatch(
      /^commands,device=pump id="[^]*\ncommand_ids,bucket=\d{1,3} id="[^]*",of="pump",requested=1795210200000i \d{19}\n$/,
    );
    expect(linesOf(event('pump')).text).toMatch(
      /^events,device=pump event="overheat",state="raised",severity="warning",record="\{/,
    );
  });

  it('writes every step of an alert into the same point, in a field of its own', () => {
    const open = alert('pump');
    const place = / (\d{19})\n$/;
    for (const [entry, field] of [
      [raised(open), 'raised'],
      [cleared(open), 'cleared'],
      [acknowledged(open), 'acknowledged'],
    ] as const) {
      const { text, points } = linesOf(entry);
      expect(points).toBe(1);
      expect(text).toMatch(new RegExp(`^alerts,device=pump,rule=too-hot ${field}="\\{`));
      expect(text).toContain(',severity="warning",since=1795210199000i,metric="temperature",peak=81');
      expect(place.exec(text)?.[1]).toBe(`${T0}000000`);
    }
    expect(linesOf(cleared(open)).text).toContain(`,clearedAt=${T0 + 60_000}i `);
    expect(linesOf(acknowledged(open)).text).toContain(`,acknowledgedAt=${T0 + 30_000}i `);
  });

  it('gives the names that InfluxDB keeps for itself to no field, and finds the metric again', () => {
    const metrics = [
      'time',
      'time_',
      'time__',
      'device',
      'device_',
      'devices',
      'timer',
      'Time',
      'x_',
      '_time',
    ];
    const fields = metrics.map(fieldOf);
    expect(fields).not.toContain('time');
    expect(fields).not.toContain('device');
    expect(new Set(fields).size).toBe(metrics.length);
    expect(fields.map(metricOf)).toEqual(metrics);
  });
});
