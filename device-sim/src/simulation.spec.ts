import { createServer, type Server } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Aedes, type AedesPublishPacket } from 'aedes';
import type { FleetCounts } from './fleet.js';
import { seededRandom } from './device/random.js';
import { runSimulation } from './run-simulation.js';
import { SimulatedDevice } from './device/simulated-device.js';
import { simulationOptionsFrom } from './simulation-options.js';

/** A gateway that keeps in memory what it acknowledges: a real broker, and the three calls of the API that the simulator makes. */
class PretendGateway {
  readonly points = new Map<string, [number, unknown][]>();
  readonly secrets = new Map<string, string>();
  readonly sockets = new Set<Socket>();
  /** Whether a message reaches the store; it is acknowledged either way. */
  stores: (deviceId: string, number: number) => boolean = () => true;
  private readonly listeners = new Set<(packet: AedesPublishPacket) => void>();

  private constructor(
    readonly broker: Aedes,
    private readonly tcp: TcpServer,
    private readonly http: Server,
  ) {}

  static async start(): Promise<PretendGateway> {
    const broker = await Aedes.createBroker();
    const gateway = new PretendGateway(broker, createTcpServer(), createServer());
    gateway.tcp.on('connection', (socket) => {
      gateway.sockets.add(socket);
      socket.on('close', () => gateway.sockets.delete(socket));
      broker.handle(socket);
    });
    broker.authenticate = ({ id }, username, password, done) =>
      done(null, id === username && gateway.secrets.get(id) === password?.toString());
    broker.on('publish', (packet) => gateway.published(packet));
    gateway.http.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const [status, body] = gateway.answer(
          request.method ?? '',
          new URL(request.url ?? '', 'http://x'),
          Buffer.concat(chunks).toString(),
        );
        response.writeHead(status).end(JSON.stringify(body));
      });
    });
    await Promise.all([gateway.tcp, gateway.http].map((server) => listening(server)));
    return gateway;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.broker.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await Promise.all([this.tcp, this.http].map((server) => new Promise((resolve) => server.close(resolve))));
  }

  get mqtt(): string {
    return `mqtt://127.0.0.1:${portOf(this.tcp)}`;
  }
  get url(): string {
    return `http://127.0.0.1:${portOf(this.http)}`;
  }

  /** The next message on a topic that the pattern fits. */
  next(topic: RegExp): Promise<AedesPublishPacket> {
    return new Promise((resolve) => {
      const look = (packet: AedesPublishPacket): void => {
        if (!topic.test(packet.topic)) return;
        this.listeners.delete(look);
        resolve(packet);
      };
      this.listeners.add(look);
    });
  }

  request(topic: string, properties?: AedesPublishPacket['properties']): void {
    const packet = {
      cmd: 'publish',
      topic,
      payload: Buffer.alloc(0),
      qos: 1,
      retain: false,
      dup: false,
    } as const;
    this.broker.publish(properties ? { ...packet, properties } : packet, (error) => {
      if (error) throw error;
    });
  }

  private published(packet: AedesPublishPacket): void {
    const [, deviceId = '', family] = packet.topic.split('/');
    if (family === 'telemetry') {
      const { ts, readings } = JSON.parse(packet.payload.toString()) as {
        ts: number;
        readings: { n: number };
      }; // the simulator's own
      if (this.stores(deviceId, readings.n)) this.points.get(deviceId)?.push([ts, readings.n]);
    }
    for (const look of this.listeners) look(packet);
  }

  private answer(method: string, url: URL, body: string): [number, unknown] {
    const [, , , deviceId = '', what] = url.pathname.split('/');
    if (method === 'GET' && what === 'telemetry') {
      const [from, to] = [Number(url.searchParams.get('from')), Number(url.searchParams.get('to'))];
      const points = (this.points.get(deviceId) ?? [])
        .filter(([ms]) => ms >= from && ms < to)
        .sort(([a], [b]) => a - b);
      return [200, { deviceId, series: points.length > 0 ? [{ metric: 'n', points }] : [] }];
    }
    if (what === 'secret') return [200, { id: deviceId, secret: this.register(deviceId) }];
    const devices = JSON.parse(body) as { id: string }[]; // the simulator's own
    return [
      201,
      devices.map(({ id }) =>
        this.secrets.has(id) ? { id, error: { code: 'device-exists' } } : { id, secret: this.register(id) },
      ),
    ];
  }

  private register(id: string): string {
    const secret = `secret ${this.secrets.size} of ${id}`;
    this.secrets.set(id, secret);
    this.points.set(id, []);
    return secret;
  }
}

function listening(server: TcpServer | Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function portOf(server: TcpServer | Server): number {
  return (server.address() as AddressInfo).port; // it listens on TCP
}

let gateway: PretendGateway;
beforeEach(async () => {
  gateway = await PretendGateway.start();
});
afterEach(() => gateway.stop());

describe.each(['5', '3.1.1'] as const)('a device on MQTT %s', (protocol) => {
  let device: SimulatedDevice;
  let onTick: () => unknown;
  beforeEach(async () => {
    onTick = () => undefined;
    gateway.secrets.set('sim-1', 'the secret');
    gateway.points.set('sim-1', []);
    const subscribed = new Promise((resolve) => gateway.broker.on('subscribe', resolve));
    device = new SimulatedDevice(
      { id: 'sim-1', secret: 'the secret', protocol },
      { mqttUrl: gateway.mqtt, intervalMs: 20, window: 5 },
      { now: () => (onTick(), Date.now()), random: seededRandom('1') },
    );
    device.start();
    await subscribed;
  });
  afterEach(() => device.stop(AbortSignal.timeout(2_000)));

  it('reports readings with ts, seq and n', async () => {
    await gateway.next(/telemetry/);
    const { payload } = await gateway.next(/telemetry/);
    const message: unknown = JSON.parse(payload.toString());
    expect(message).toEqual({
      ts: expect.any(Number),
      seq: 2,
      readings: expect.objectContaining({
        n: 2,
        temperature: expect.any(Number),
        running: expect.any(Boolean),
      }),
    });
    await device.stop(AbortSignal.timeout(2_000));
    expect(device.ledger.acknowledged).toBe(device.ledger.sent);
  });

  it('answers a command', async () => {
    const answer = gateway.next(/\/responses\//);
    const correlationData = Buffer.from('c1');
    gateway.request(
      'devices/sim-1/commands/c1/ping',
      protocol === '5' ? { responseTopic: 'devices/sim-1/responses/c1', correlationData } : undefined,
    );
    const { topic, payload, properties } = await answer;
    expect(JSON.parse(payload.toString())).toMatchObject({ pong: true });
    if (protocol === '5') {
      expect(topic).toBe('devices/sim-1/responses/c1');
      expect(properties).toMatchObject({ correlationData, userProperties: { status: '200' } });
    } else {
      expect(topic).toBe('devices/sim-1/responses/c1/200');
    }
  });

  it('comes back by itself with its session, and reports on', async () => {
    await gateway.next(/telemetry/);
    const back = new Promise((resolve) => gateway.broker.on('clientReady', resolve));
    for (const socket of gateway.sockets) socket.destroy();
    await back;
    const answer = gateway.next(/responses\/c2/);
    gateway.request('devices/sim-1/commands/c2/ping'); // subscribed still, without asking again
    await answer;
    await gateway.next(/telemetry/);
    await device.stop(AbortSignal.timeout(2_000));
    expect(device.ledger.acknowledged).toBe(device.ledger.sent);
    expect(device.session.lost).toBe(0);
    expect(new Set(gateway.points.get('sim-1')?.map(([, n]) => n)).size).toBe(device.ledger.sent); // each of them arrived
  });

  it('skips what its window does not hold while nothing is acknowledged, and loses nothing of what it sent', async () => {
    const held: (() => void)[] = [];
    gateway.broker.authorizePublish = (_client, _packet, done) => void held.push(() => done()); // no PUBACK until then
    await new Promise<void>((resolve) => {
      onTick = () => device.ledger.skipped > 0 && resolve();
    });
    expect(device.ledger.inFlight).toBe(5);
    gateway.broker.authorizePublish = (_client, _packet, done) => done();
    for (const release of held) release();
    await device.stop(AbortSignal.timeout(2_000));
    expect(device.ledger.acknowledged).toBe(device.ledger.sent);
    expect(gateway.points.get('sim-1')).toHaveLength(device.ledger.sent);
  });
});

describe('a simulation', () => {
  const quiet = { say: () => undefined, progress: () => undefined };
  const options = (more = {}): ReturnType<typeof simulationOptionsFrom> =>
    simulationOptionsFrom({
      mqtt: gateway.mqtt,
      http: gateway.url,
      adminKey: 'key',
      devices: 4,
      rate: 50,
      duration: 0.6,
      settle: 5,
      ...more,
    });

  it('reports that everything acknowledged was stored, also for devices that existed', async () => {
    await runSimulation(options({ duration: 0.1 }), quiet);
    const progress: FleetCounts[] = [];
    const ui = { say: () => undefined, progress: (counts: FleetCounts) => progress.push(counts) };
    const { verdict, counts } = await runSimulation(options(), ui);
    expect(verdict).toBe('delivered');
    expect(counts).toMatchObject({ unacknowledged: 0, missing: 0, duplicated: 0, stored: counts.sent });
    expect(counts.sent).toBeGreaterThan(20);
    expect(progress.at(-1)).toMatchObject({ devices: 4, connected: 4 });
  });

  it('finds the one message that was acknowledged and not stored', async () => {
    gateway.stores = (deviceId, number) => !(deviceId === 'sim-002' && number === 3);
    expect(await runSimulation(options({ settle: 0 }), quiet)).toMatchObject({
      verdict: 'lost',
      counts: { missing: 1 },
      examples: [{ deviceId: 'sim-002', missingNumbers: [3] }],
    });
  });

  it('finds a message that is stored twice', async () => {
    gateway.stores = (deviceId, number) => {
      if (deviceId === 'sim-001' && number === 2) gateway.points.get(deviceId)?.push([Date.now(), 2]);
      return true;
    };
    expect(await runSimulation(options(), quiet)).toMatchObject({
      verdict: 'duplicated',
      counts: { duplicated: 1 },
    });
  });

  it('ends when it is stopped, and reports', async () => {
    const stop = new AbortController();
    const running = runSimulation(options({ duration: 0 }), quiet, stop.signal);
    await gateway.next(/telemetry/);
    stop.abort();
    expect(await running).toMatchObject({ verdict: 'delivered' });
  });
});
