import { randomBytes } from 'node:crypto';
import { FieldgateProcess } from './fieldgate-process.js';
import { Operator } from './operator.js';
import { temporaryFolder } from './temporary-folder.js';

/** The roles in a process of their own, or all of them in one. */
export type Part = 'all' | 'gateway' | 'processors' | 'operator-api';

/**
 * One installation of Fieldgate as devices and operators see it, whose processes can be killed and started one by one. A promise that is
 * tested through it is tested on one process and on many.
 */
export class Deployment {
  private readonly running = new Map<Part, FieldgateProcess>();
  private readonly addresses = new Map<Part, { readonly http: string; readonly mqttPort: number }>();

  private constructor(
    /** Each is a process. */
    readonly parts: readonly Part[],
    private readonly environment: Record<string, string>,
    private readonly clear: () => Promise<void>,
  ) {}

  /** Everything in one process, on a data directory of its own. */
  static async embedded(settings: Record<string, string> = {}): Promise<Deployment> {
    const folder = await temporaryFolder();
    const environment = {
      FIELDGATE_DATA_DIR: folder.path,
      FIELDGATE_GATEWAY_ID: 'gw-embedded',
      ...settings,
    };
    return new Deployment(['all'], environment, () => folder.remove()).started();
  }

  /** Each role in its process, on Kafka and a database of its own in InfluxDB: those of `npm run test:services`, or others. */
  static async distributed(settings: Record<string, string> = {}): Promise<Deployment> {
    const folder = await temporaryFolder();
    const name = randomBytes(4).toString('hex');
    const environment = {
      FIELDGATE_DATA_DIR: folder.path, // the spool of the gateway
      FIELDGATE_GATEWAY_ID: `gw-${name}`,
      FIELDGATE_KAFKA_BROKERS: process.env['FIELDGATE_TEST_KAFKA'] ?? '',
      FIELDGATE_INFLUX_URL: `${process.env['FIELDGATE_TEST_INFLUX'] ?? ''}/integrity_${name}`,
      ...settings,
    };
    const parts = ['gateway', 'processors', 'operator-api'] as const; // Kafka and InfluxDB end with the run
    return new Deployment(parts, environment, () => folder.remove()).started();
  }

  /** Changes when the part that listens is started again. */
  get mqttPort(): number {
    return this.addressOf('gateway').mqttPort;
  }

  get operator(): Operator {
    return new Operator(this.addressOf('operator-api').http);
  }

  /** Of another listener of the gateway, as its log names it: `mqtts`, `ws` or `wss`. */
  portOf(scheme: string): number {
    const lines = this.running.get(this.partOf('gateway'))?.lines.all ?? [];
    const listening = lines
      .filter((line) => line.includes('"mqtt listening"'))
      .map((line) => JSON.parse(line) as { readonly scheme: string; readonly port: number }) // of our own log
      .find((entry) => entry.scheme === scheme);
    if (!listening) throw new Error(`the gateway does not listen for ${scheme}`);
    return listening.port;
  }

  /** The part that has this role. */
  partOf(role: Exclude<Part, 'all'>): Part {
    return this.parts.includes('all') ? 'all' : role;
  }

  /** Health and metrics of a part. */
  httpOf(role: Exclude<Part, 'all'>): string {
    return this.addressOf(role).http;
  }

  /** Of the process that has this role. */
  pidOf(role: Exclude<Part, 'all'>): number {
    return this.running.get(this.partOf(role))?.pid ?? 0;
  }

  /** SIGKILL. */
  async kill(part: Part): Promise<void> {
    await this.running.get(part)?.kill();
  }

  /** SIGTERM; the exit code. */
  async terminate(part: Part): Promise<number | null> {
    return (await this.running.get(part)?.stop()) ?? null;
  }

  async start(part: Part): Promise<void> {
    const fieldgate = FieldgateProcess.launch(this.environment, part === 'all' ? [] : [part]);
    this.running.set(part, fieldgate);
    await fieldgate.ready();
    const takesDevices = this.partOf('gateway') === part;
    this.addresses.set(part, {
      http: await fieldgate.httpUrl(),
      mqttPort: takesDevices ? await fieldgate.mqttPort() : 0,
    });
  }

  async restart(part: Part): Promise<void> {
    await this.kill(part);
    await this.start(part);
  }

  /** What the processes that run have said last, for whoever finds out why a promise was not kept. */
  printLines(): void {
    for (const [part, { lines, isRunning }] of this.running)
      process.stderr.write(
        `${part}, ${isRunning ? 'running' : 'ended'}:\n${lines.all.slice(-40).join('\n')}\n`,
      );
  }

  /** In order, by SIGTERM; a part that ends otherwise than with 0 is a failure of the test. */
  async stop(): Promise<void> {
    const codes = await Promise.all(
      [...this.running].map(async ([part, fieldgate]) => {
        const code = await fieldgate.stop();
        return fieldgate.wasKilled || code === 0
          ? undefined
          : `${part} ended with ${code}:\n${fieldgate.stderr}`;
      }),
    );
    await this.clear();
    const wrong = codes.filter((text) => text !== undefined);
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  }

  private async started(): Promise<this> {
    try {
      await Promise.all(this.parts.map((part) => this.start(part)));
      return this;
    } catch (error) {
      await Promise.all([...this.running.values()].map((fieldgate) => fieldgate.kill()));
      await this.clear();
      throw error;
    }
  }

  private addressOf(role: Exclude<Part, 'all'>): { readonly http: string; readonly mqttPort: number } {
    const address = this.addresses.get(this.partOf(role));
    if (!address) throw new Error(`${role} was never started`);
    return address;
  }
}
