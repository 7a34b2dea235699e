import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tokenOf } from '@fieldgate/contracts';
import { ProgressLine, reportText, runSimulation, simulationOptionsFrom } from '@fieldgate/device-sim';
import type { Environment } from '@fieldgate/service';
import { announce } from './announce.js';
import { runUntilStopped } from './run-until-stopped.js';
import { ROLES } from './roles.js';
import { start, type Running } from './start.js';

/** Not there where only the built files were copied. */
const EXAMPLE_RULES = fileURLToPath(new URL('../../examples/rules.yaml', import.meta.url));

/** Everything in this process, and beside it a fleet that knows only the MQTT and HTTP addresses, like any other. */
export async function runDemo(devices: number, environment: Environment): Promise<void> {
  const startedAt = process.hrtime.bigint();
  const running = await start(ROLES, {
    FIELDGATE_DATA_DIR: './demo-data',
    FIELDGATE_ADMIN_KEY: tokenOf(randomBytes(24)),
    FIELDGATE_LOG_LEVEL: 'warn',
    ...(existsSync(EXAMPLE_RULES) ? { FIELDGATE_RULES_FILE: EXAMPLE_RULES } : {}),
    ...setIn(environment),
  });
  const stopping = new AbortController();
  const simulation = running.ready().then(async () => {
    await announce(running, startedAt);
    return simulate(running, devices, stopping.signal);
  });
  await runUntilStopped(running, {
    failed: new Promise((resolve) => void simulation.catch(resolve)),
    stop: async () => {
      stopping.abort();
      await Promise.race([simulation.catch(() => undefined), running.failed]); // its failure was explained already
    },
  });
}

/** An empty value counts as not set: it must not take the place of what the demo sets. */
function setIn(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

async function simulate(running: Running, devices: number, signal: AbortSignal): Promise<void> {
  const adminKey = running.configuredKey ?? '';
  const options = simulationOptionsFrom({
    devices,
    prefix: 'demo-',
    mqtt: running.mqttUrl(),
    http: running.httpUrl,
    adminKey,
    settle: 5,
  });
  process.stdout.write(tryThis(running.httpUrl, adminKey));
  const report = await runSimulation(options, new ProgressLine(process.stderr), signal);
  process.stdout.write(`${reportText(report)}\n`);
}

function tryThis(url: string, key: string): string {
  return `
Fieldgate runs, with simulated devices. In another terminal:

  export KEY=${key}
  curl -s -H "Authorization: Bearer $KEY" ${url}/v1/devices/demo-001/latest
  curl -s -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\
    -d '{"name":"read-config"}' ${url}/v1/devices/demo-001/commands

`;
}
