import { CommandDevice } from '../command-device.js';
import type { Deployment } from '../deployment.js';
import { Stranger } from '../stranger.js';

const SECRET = 'lively-fleet-secret-0001';

/** Its name is a regular expression that `pumpX2` matches too: a query that forgets to escape it finds both. */
export const DEVICES = ['pump-1', 'pump.2', 'pumpX2'] as const;
export const COMMANDED = 'valve-3';
export const ROUNDS = 2;

export const RULES = (hook: string): string => `version: 1
rules:
  - { name: too-hot, metric: temperature, threshold: { above: 80 }, severity: critical, text: '{device} is at {value}' }
notifications:
  - { name: ops, webhook: { url: '${hook}', allowPrivate: true } }
`;

/** Readings of a device in a round, 1 s apart. `pump-1` is too hot for one of them in the first round, `pump.2` from the last one of all on. */
const READINGS = 10;
const TOO_HOT = 95;
const UNFINISHED = new Set(['requested', 'sent', 'delivered', 'in-progress']);

/** What has happened after all rounds; the panels must say so. */
export const SENT = {
  readings: READINGS * ROUNDS,
  messages: DEVICES.length * READINGS * ROUNDS,
  /** By code: a payload that is no JSON, a topic that is none. */
  refused: { 'payload-not-json': ROUNDS, 'topic-unknown': ROUNDS },
  connectsRefused: ROUNDS,
  events: [
    { event: 'overheated', state: 'raised', severity: 'warning' },
    { event: 'door', state: 'info', severity: 'info' },
  ],
  commands: { succeeded: ROUNDS, rejected: 1, 'timed-out': 1 },
  alertsOpen: { critical: 1, warning: 1 },
  alertsRaised: { 'too-hot': 2, 'event.overheated': 1 },
} as const;

/** Temperatures of `pump-1` in order; the others are the same without the fault in the first round. */
export function temperatures(device: (typeof DEVICES)[number]): number[] {
  return Array.from({ length: SENT.readings }, (_, n) => {
    if (device === 'pump-1' && n === 5) return TOO_HOT;
    if (device === 'pump.2' && n === SENT.readings - 1) return TOO_HOT;
    return 20 + n;
  });
}

/** Devices that do a little of everything, in rounds, so that every counter is there before it rises. */
export class LivelyFleet {
  private readonly strangers = new Map<string, Stranger>();
  private valve: CommandDevice | undefined;
  private round = 0;
  /** Of the first reading. */
  readonly startMs = Date.now() - 60_000;

  constructor(private readonly deployment: Deployment) {}

  async connect(): Promise<void> {
    const { operator, mqttPort } = this.deployment;
    await operator.registerWhenReady([...DEVICES, COMMANDED].map((id) => ({ id, secret: SECRET })));
    for (const id of DEVICES) {
      const stranger = await Stranger.open(mqttPort, 5);
      this.strangers.set(id, stranger);
      mustBe(await stranger.connect({ clientId: id, username: id, password: SECRET }), {
        packet: 'CONNACK',
        reason: 0,
      });
    }
    this.valve = await CommandDevice.connect({ port: mqttPort, id: COMMANDED, secret: SECRET, version: 5 });
    await operator.commandReady(COMMANDED);
  }

  async play(): Promise<void> {
    const first = this.round === 0;
    for (const id of DEVICES) await this.readings(id);
    await this.publish(
      'pump-1',
      first ? 'events/overheated' : 'events/door',
      first ? '{"state":"raised","severity":"warning"}' : '{"state":"info"}',
    );
    await this.publish('pump.2', 'telemetry', 'hello');
    await this.publish('pump.2', 'nonsense', '{}');
    await this.strangerAtTheDoor();
    await this.command(200);
    if (first) await this.command(404);
    else await this.unanswered();
    this.round += 1;
  }

  async close(): Promise<void> {
    for (const stranger of this.strangers.values()) stranger.close();
    await this.valve?.close();
  }

  private async readings(id: (typeof DEVICES)[number]): Promise<void> {
    const values = temperatures(id);
    for (let n = this.round * READINGS; n < (this.round + 1) * READINGS; n += 1) {
      const own = id === 'pump-1' ? { pressure: 1.5, running: n % 2 === 0, mode: `mode-${n}` } : {};
      const readings = { temperature: values[n], ...own };
      await this.publish(id, 'telemetry', JSON.stringify({ ts: this.startMs + n * 1_000, seq: n, readings }));
    }
  }

  private async publish(id: string, rest: string, payload: string): Promise<void> {
    const reaction = await this.strangers.get(id)?.publish(`devices/${id}/${rest}`, Buffer.from(payload));
    mustBe(reaction, { packet: 'PUBACK', reason: 0 });
  }

  private async strangerAtTheDoor(): Promise<void> {
    const stranger = await Stranger.open(this.deployment.mqttPort, 5);
    const id = 'pump-1';
    mustBe(await stranger.connect({ clientId: id, username: id, password: 'not the secret' }), {
      packet: 'CONNACK',
      reason: 0x86,
    });
    stranger.close();
  }

  private async command(status: number): Promise<void> {
    const { body } = await this.deployment.operator.command(COMMANDED, 'reboot', { timeoutSeconds: 30 });
    const request = await this.valve?.requestOf(body.id);
    if (request) await this.valve?.answer(request, status, { status });
    await this.ends(body.id);
  }

  private async unanswered(): Promise<void> {
    const { body } = await this.deployment.operator.command(COMMANDED, 'open', { timeoutSeconds: 1 });
    await this.ends(body.id);
  }

  private async ends(id: string): Promise<void> {
    const { state } = await this.deployment.operator.commandUntil(
      id,
      (command) => !UNFINISHED.has(command.state),
    );
    if (UNFINISHED.has(state)) throw new Error(`command ${id} is still ${state}`);
  }
}

function mustBe(reaction: unknown, expected: object): void {
  if (JSON.stringify(reaction) !== JSON.stringify(expected))
    throw new Error(`the gateway said ${JSON.stringify(reaction)}, not ${JSON.stringify(expected)}`);
}
