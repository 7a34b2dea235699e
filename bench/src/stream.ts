import { connect, type Socket } from 'node:net';
import { runLoad, type LoadPlan } from './load.js';
import { benchDevices } from './mqtt/bench-devices.js';
import { Histogram } from './mqtt/histogram.js';
import { fixed, median, progress, whole, type BenchOptions, type Section } from './report.js';
import { ADMIN_KEY, registerDevices, startFieldgate } from './systems/fieldgate.js';
import { withFolder } from './systems/folders.js';
import { cpuSeconds } from './systems/usage.js';

const CLIENTS = 50;
const WARM_SECONDS = 1;
const SHAPES = [
  { name: 'everything to each, 200 readings/s', rate: 200, isFiltered: false },
  { name: 'a device each, 10,000 readings/s', rate: 10_000, isFiltered: true },
  { name: 'everything to each, 1,000 readings/s', rate: 1_000, isFiltered: false },
] as const;
type Shape = (typeof SHAPES)[number];

interface Measured {
  readonly delivered: number;
  readonly cpuPer100k: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly dropped: number;
}

/** Readings from MQTT to clients of the live stream, on the whole product in one process. */
export async function benchStream({ runs, seconds }: BenchOptions): Promise<readonly Section[]> {
  const rows: (string | number)[][] = [];
  for (const shape of SHAPES) {
    const measured: Measured[] = [];
    for (let run = 0; run < runs; run += 1) measured.push(await measure(shape, seconds));
    const of = (name: keyof Measured): number => median(measured.map((each) => each[name]));
    rows.push([
      shape.name,
      whole(of('delivered')),
      fixed(of('cpuPer100k')),
      fixed(of('p50Ms')),
      fixed(of('p99Ms')),
      of('dropped'),
    ]);
    progress(`stream  ${shape.name}: ${whole(of('delivered'))}/s`);
  }
  return [
    {
      title: 'Live stream',
      note: `${CLIENTS} clients of GET /v1/stream in one other process; embedded log and store, all roles in one process. CPU is that of the process, with taking the readings in and storing them. The delay is from the arrival at the gateway to the client. Goal: 10,000 events/s to 50 clients.`,
      columns: ['', 'events/s', 'CPU s per 100,000 events', 'p50 ms', 'p99 ms', 'dropped clients'],
      rows,
    },
  ];
}

async function measure(shape: Shape, seconds: number): Promise<Measured> {
  return withFolder(async (folder) => {
    const fieldgate = await startFieldgate(folder);
    const devices = benchDevices(CLIENTS);
    await registerDevices(fieldgate.http, devices);
    const clients = new StreamReaders();
    for (const { id } of devices) clients.open(fieldgate.http, shape.isFiltered ? `&device=${id}` : '');
    await clients.connected();
    const plan: LoadPlan = {
      port: fieldgate.mqttPort,
      connections: CLIENTS,
      payloadBytes: 120,
      shape: { kind: 'open', rate: shape.rate },
      warmSeconds: WARM_SECONDS,
      seconds,
      pids: [fieldgate.child.pid],
    };
    const load = runLoad(plan);
    await clients.first();
    const before = { at: performance.now(), cpu: cpuSeconds(fieldgate.child.pid), events: clients.events };
    await load;
    const elapsed = (performance.now() - before.at) / 1000;
    const events = clients.events - before.events;
    const cpu = cpuSeconds(fieldgate.child.pid) - before.cpu;
    const dropped = clients.dropped;
    clients.close();
    await fieldgate.child.stop();
    return {
      delivered: events / elapsed,
      cpuPer100k: cpu / (events / 100_000),
      p50Ms: clients.delays.quantile(0.5),
      p99Ms: clients.delays.quantile(0.99),
      dropped,
    };
  });
}

/** Reads bytes and counts: a real EventSource would be what is measured. */
class StreamReaders {
  readonly delays = new Histogram();
  events = 0;
  dropped = 0;
  private opened = 0;
  private isClosing = false;
  private readonly sockets: Socket[] = [];
  private onConnected: () => void = () => undefined;
  private onFirst: () => void = () => undefined;

  open(http: string, filter: string): void {
    const { port, hostname } = new URL(http);
    const socket = connect(Number(port), hostname);
    this.sockets.push(socket);
    socket.setEncoding('latin1');
    socket.write(
      `GET /v1/stream?topics=telemetry${filter} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${ADMIN_KEY}\r\n\r\n`,
    );
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      if (!this.isClosing) this.dropped += 1;
    });
    let rest = '';
    socket.on('data', (chunk: string) => {
      const text = rest + chunk;
      const end = text.lastIndexOf('\n');
      rest = text.slice(end + 1);
      this.take(text.slice(0, end + 1));
    });
  }

  connected(): Promise<void> {
    return new Promise((resolve) => {
      this.onConnected = resolve;
      if (this.opened >= CLIENTS) resolve();
    });
  }

  first(): Promise<void> {
    return new Promise((resolve) => {
      this.onFirst = resolve;
      if (this.events > 0) resolve();
    });
  }

  close(): void {
    this.isClosing = true;
    for (const socket of this.sockets) socket.destroy();
  }

  private take(text: string): void {
    if (text.includes(': connected') && ++this.opened === CLIENTS) this.onConnected();
    const now = Date.now();
    for (const [, received = ''] of text.matchAll(/^data: .*?"receivedtime":"([^"]+)"/gm)) {
      if (this.events++ === 0) this.onFirst();
      this.delays.add(Math.max(0, now - Date.parse(received)));
    }
  }
}
