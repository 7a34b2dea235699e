import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import { openTelemetryStore, telemetryStoreEnvironment } from './telemetry-store.config.js';

const schema = z.object(telemetryStoreEnvironment);
const parts = { clock: systemClock, logger: createLogger({ level: 'silent' }) };

describe('settings of the telemetry store', () => {
  it('is embedded below ./data unless told', () => {
    expect(readEnvironment(schema, {})).toEqual({ FIELDGATE_DATA_DIR: './data' });
  });

  it.each([
    'http://localhost:8086/fieldgate',
    'http://user:p%40ss@influx.example:8086/field-gate',
    'https://influx.example/fieldgate',
    'http://[::1]:8086/fieldgate',
  ])('takes %s', (url) => {
    expect(readEnvironment(schema, { FIELDGATE_INFLUX_URL: url }).FIELDGATE_INFLUX_URL).toBe(url);
  });

  it.each([
    'localhost:8086/fieldgate',
    'ftp://u:secret@localhost/fieldgate',
    'http://u:secret@localhost:8086',
    'http://u:secret@localhost:8086/',
    'http://u:secret@localhost:8086/a/b',
    'http://u:secret@localhost:8086/db?x=1',
    'http://u:sec%ret@localhost:8086/db',
    'http://u:secret@localhost:99999/db',
  ])('refuses %s by the name of the variable, and does not repeat the value', (url) => {
    const read = () => readEnvironment(schema, { FIELDGATE_INFLUX_URL: url });
    expect(read).toThrow(
      /^FIELDGATE_INFLUX_URL: must be http:\/\/user:password@host:port\/database|^FIELDGATE_INFLUX_URL: must be/,
    );
    expect(read).not.toThrow(/secret|sec%ret|localhost/);
  });

  it('opens the adapter that is named', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fieldgate-config-'));
    const embedded = await openTelemetryStore({ FIELDGATE_DATA_DIR: directory }, parts);
    await embedded.start();
    expect(embedded.problem()).toBeUndefined();
    await embedded.stop();
    const away = {
      FIELDGATE_DATA_DIR: directory,
      FIELDGATE_INFLUX_URL: 'http://u:secret@127.0.0.1:1/fieldgate',
    };
    const influx = await openTelemetryStore(away, parts);
    await influx.start();
    expect(influx.problem()).toBe(
      'InfluxDB at 127.0.0.1:1/fieldgate does not answer: connect ECONNREFUSED 127.0.0.1:1',
    );
    await influx.stop();
    await rm(directory, { recursive: true });
  });
});
