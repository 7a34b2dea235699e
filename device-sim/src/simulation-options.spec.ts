import { describe, expect, it } from '@jest/globals';
import { ProgressLine } from './progress.js';
import { simulationOptionsFrom } from './simulation-options.js';

describe('simulationOptionsFrom', () => {
  it('has a default for everything but the key', () => {
    expect(simulationOptionsFrom({}, { FIELDGATE_ADMIN_KEY: 'key' })).toEqual({
      devices: 100,
      rate: 1,
      duration: 0,
      mqtt: 'mqtt://127.0.0.1:1883',
      http: 'http://127.0.0.1:8080',
      adminKey: 'key',
      protocol: 'mixed',
      seed: 1,
      prefix: 'sim-',
      window: 20,
      connectsPerSecond: 100,
      settle: 30,
    });
  });

  it('takes texts of a command line; a flag goes before the environment', () => {
    const flags = { devices: '5', rate: '0.5', duration: '60', protocol: '3.1.1', adminKey: 'mine' };
    expect(simulationOptionsFrom(flags, { FIELDGATE_ADMIN_KEY: 'key' })).toMatchObject({
      devices: 5,
      rate: 0.5,
      duration: 60,
      protocol: '3.1.1',
      adminKey: 'mine',
    });
  });

  it.each([
    [{ devices: '0' }, '--devices'],
    [{ devices: '1.5' }, '--devices'],
    [{ devices: 'many' }, '--devices'],
    [{ rate: '-1' }, '--rate'],
    [{ duration: 'x' }, '--duration'],
    [{ mqtt: 'http://x' }, '--mqtt'],
    [{ mqtt: '127.0.0.1:1883' }, '--mqtt'],
    [{ http: 'x' }, '--http'],
    [{ protocol: '4' }, '--protocol'],
    [{ prefix: '/' }, '--prefix'],
    [{ connectsPerSecond: '0' }, '--connects-per-second'],
    [{ adminKey: '' }, '--admin-key'],
  ])('names what is wrong in %j', (flags, name) => {
    expect(() => simulationOptionsFrom({ adminKey: 'key', ...flags })).toThrow(name);
  });

  it('names a missing key, and where it may come from', () => {
    expect(() => simulationOptionsFrom({})).toThrow(
      '--admin-key is missing: give it, or set FIELDGATE_ADMIN_KEY',
    );
  });
});

describe('ProgressLine', () => {
  const counts = {
    devices: 2,
    connected: 1,
    sent: 10,
    acknowledged: 8,
    inFlight: 2,
    refused: 0,
    skipped: 0,
    events: 1,
    answers: 0,
    sessionsLost: 0,
  };

  it('changes one line on a terminal', () => {
    const written: string[] = [];
    const line = new ProgressLine({ isTTY: true, columns: 80, write: (text) => written.push(text) });
    line.progress(counts, 1_000);
    line.progress({ ...counts, problem: 'connect \u001b[31m refused' }, 2_000);
    line.say('done');
    expect(written[0]).toContain('\r\u001b[K1 s · 1/2 connected · sent 10 · acknowledged 8 (8/s) ·');
    expect(written[1]?.length).toBeLessThanOrEqual(80 + 4);
    expect(written[2]).toBe('\ndone\n');
  });

  it('writes a line every 5 seconds elsewhere', () => {
    const written: string[] = [];
    const line = new ProgressLine({ write: (text) => written.push(text) });
    for (let second = 1; second <= 11; second++) line.progress(counts, second * 1_000);
    expect(written).toHaveLength(3);
    expect(written[0]).toMatch(/^1 s .*\n$/);
  });
});
