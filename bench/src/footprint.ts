import { join } from 'node:path';
import { benchDevices } from './mqtt/bench-devices.js';
import { Connection, openAll } from './mqtt/connection.js';
import type { Credentials } from './mqtt/packets.js';
import { fixed, median, progress, whole, type Section } from './report.js';
import { registerDevices, startDemo, startFieldgate } from './systems/fieldgate.js';
import { withFolder } from './systems/folders.js';
import { rssMb } from './systems/usage.js';

const STARTS = 5;
const DEMO_SECONDS = 30;
const CONNECTIONS = 1_000;
const QUIET_SECONDS = 5;

/** What it takes to be there: time to ready, memory of the demo, memory per idle connection. */
export async function benchFootprint(): Promise<readonly Section[]> {
  const starts = await startTimes();
  const demo = await demoMemory();
  const perConnection = await memoryPerConnection();
  return [
    {
      title: 'Footprint',
      note: 'Embedded log and store. Goals: ready in less than 3 s, the demo below 250 MB.',
      columns: ['', 'value'],
      rows: [
        [
          `fieldgate start to ready, ms (median of ${STARTS}, empty data directory)`,
          whole(median(starts.fresh)),
        ],
        [`the same on the data of the start before`, whole(median(starts.again))],
        [`RSS of fieldgate start when ready, MB`, whole(median(starts.rss))],
        [`RSS of the demo with 20 devices after ${DEMO_SECONDS} s, MB`, whole(demo)],
        [
          `RSS per idle connection with one subscription, KB (${whole(CONNECTIONS)} after ${whole(CONNECTIONS)} others)`,
          fixed(perConnection, 1),
        ],
      ],
    },
  ];
}

async function startTimes(): Promise<{ fresh: number[]; again: number[]; rss: number[] }> {
  const times = { fresh: [] as number[], again: [] as number[], rss: [] as number[] };
  for (let start = 1; start <= STARTS; start += 1) {
    await withFolder(async (folder) => {
      for (const of of ['fresh', 'again'] as const) {
        const began = performance.now();
        const { child } = await startFieldgate(folder);
        times[of].push(performance.now() - began);
        times.rss.push(rssMb(child.pid));
        await child.stop();
      }
    });
    progress(`footprint  start ${start}/${STARTS}: ${whole(times.fresh.at(-1) ?? Number.NaN)} ms`);
  }
  return times;
}

function demoMemory(): Promise<number> {
  return withFolder(async (folder) => {
    const child = startDemo(join(folder, 'demo'));
    await child.line('ready');
    await seconds(DEMO_SECONDS);
    const rss = rssMb(child.pid);
    await child.stop();
    progress(`footprint  demo: ${whole(rss)} MB`);
    return rss;
  });
}

/** The second thousand: the first one also grows what every process has once. */
function memoryPerConnection(): Promise<number> {
  return withFolder(async (folder) => {
    const { child, http, mqttPort } = await startFieldgate(folder);
    const devices = benchDevices(2 * CONNECTIONS);
    await registerDevices(http, devices);
    const first = await connectAll(mqttPort, devices.slice(0, CONNECTIONS));
    await seconds(QUIET_SECONDS);
    const before = rssMb(child.pid);
    const second = await connectAll(mqttPort, devices.slice(CONNECTIONS));
    await seconds(QUIET_SECONDS);
    const kilobytes = ((rssMb(child.pid) - before) * 1024) / CONNECTIONS;
    for (const connection of [...first, ...second]) connection.close();
    await child.stop();
    progress(`footprint  connection: ${fixed(kilobytes, 1)} KB`);
    return kilobytes;
  });
}

function connectAll(port: number, devices: readonly Credentials[]): Promise<Connection[]> {
  return openAll(devices.length, async (index) => {
    const device = devices[index] ?? { id: '', secret: '' };
    const connection = await Connection.open({ port, device, version: 4 }, () => undefined);
    await connection.subscribe(`devices/${device.id}/commands/#`);
    return connection;
  });
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
