import { fileURLToPath } from 'node:url';
import type { Credentials } from '../mqtt/packets.js';
import { Child } from './child.js';

const CLI = fileURLToPath(new URL('../../../cli/dist/fieldgate.js', import.meta.url));
/** What `npm start` gives to node (docs/decisions/0018): 4,000 messages in flight outlive a young generation of 16 MB, and the Buffers of a busy gateway make node collect an old one of 40 MB twice a second. */
export const NODE_FLAGS = [
  '--max-semi-space-size=32',
  '--initial-old-space-size=96',
  '--enable-source-maps',
] as const;
export const ADMIN_KEY = 'bench-admin-key-0001';

export interface Fieldgate {
  readonly child: Child;
  readonly http: string;
  readonly mqttPort: number;
}

/** The product as users start it, on free ports. */
export async function startFieldgate(dataDir: string): Promise<Fieldgate> {
  const child = Child.start([process.execPath, ...NODE_FLAGS, CLI, 'start'], environment(dataDir));
  const { http, mqtt } = await child.line('ready');
  return { child, http: String(http), mqttPort: Number(new URL(String(mqtt)).port) };
}

export function startDemo(dataDir: string): Child {
  return Child.start([process.execPath, ...NODE_FLAGS, CLI, 'demo'], {
    ...environment(dataDir),
    FIELDGATE_LOG_LEVEL: 'info',
  });
}

export async function registerDevices(http: string, devices: readonly Credentials[]): Promise<void> {
  for (let from = 0; from < devices.length; from += 1000) {
    const response = await fetch(`${http}/v1/devices`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(devices.slice(from, from + 1000)),
    });
    if (response.status !== 201)
      throw new Error(`registering devices: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }
}

function environment(dataDir: string): Record<string, string> {
  return {
    FIELDGATE_DATA_DIR: dataDir,
    FIELDGATE_LOG_FORMAT: 'json',
    FIELDGATE_MQTT_PORT: '0',
    FIELDGATE_HTTP_PORT: '0',
    FIELDGATE_ADMIN_KEY: ADMIN_KEY,
  };
}
