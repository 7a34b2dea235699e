import { CommandDevice } from '../command-device.js';
import type { Deployment } from '../deployment.js';
import { Stranger } from '../stranger.js';
import type { StoreDoor } from './store-door.js';

const SECRET = 'lively-fleet-secret-0001';

/** Its name is a regular expression that `pumpX2` matches too: a query that forgets to escape it finds both. */
export const DEVICES = ['pump-1', 'pump.2', 'pumpX2'] as const;
export const COMMANDED = 'valve-3';
export const ROUNDS = 6;
/** The rounds that the rates are drawn of. In the first one every counter begins: what begins with its first count has no rate. */
export const COUNTED_ROUNDS = ROUNDS - 1;

export const RULES = (hook: string): string => `version: 1
rules:
  - { name: too-hot, metric: temperature, threshold: { above: 80 }, severity: critical, text: '{device} is at {value}' }
notifications:
  - { name: ops, webhook: { url: '${hook}', allowPrivate: true } }
`;

/** Readings of a device in a round, 1 s apart. `pump-1` is too hot for one of them in each round, `pump.2` from the last one of all on. */
const READINGS = 10;
export const READING_MS = 1_000;
/** The one of `pump-1`. */
const HOT_READING = 5;
const TOO_HOT = 95;
const TOPIC_NAME_INVALID = 0x90;
const PAYLOAD_FORMAT_INVALID = 0x99;
const UNFINISHED = new Set(['requested', 'sent', 'delivered', 'in-progress']);

/** What happens in each round; the panels must say so. */
export const EACH_ROUND = {
  messages: DEVICES.length * READINGS,
  /** By code: a payload that is no JSON, a topic that is none. */
  refused: { 'payload-not-json': 1, 'topic-unknown': 1 },
  /** A device comes back; somebody has not its secret. */
  connects: { accepted: 1, 'device-secret-wrong': 1 },
  events: 1,
  commands: { succeeded: 1, rejected: 1, 'timed-out': 1 },
  /** `pump-1` is too hot, and is not any more. */
  alerts: { raised: 1, cleared: 1 },
  /** The store is away for a moment, and the batch comes again. */
  retries: { 'fieldgate.storage': 1 },
} as const;

/** What has happened after all rounds. */
export const SENT = {
  readings: READINGS * ROUNDS,
  refused: { 'payload-not-json': ROUNDS, 'topic-unknown': ROUNDS },
  /** Of `pump-1`: the first in the first round, the other in each of the others. */
  events: [
    { event: 'overheated', state: 'raised', severity: 'warning' },
    { event: 'door', state: 'info', severity: 'info' },
  ],
  commands: { succeeded: ROUNDS, rejected: ROUNDS, 'timed-out': ROUNDS },
  alertsOpen: { critical: 1, warning: 1 },
  alertsRaised: { 'too-hot': ROUNDS + 1, 'event.overheated': 1 },
} as const;

/** When `pump-1` was too hot, as numbers of readings. */
export const HOT_READINGS = Array.from({ length: ROUNDS }, (_, round) => round * READINGS + HOT_READING);

/** Temperatures in order. */
export function temperatures(device: (typeof DEVICES)[number]): number[] {
  return Array.from({ length: SENT.readings }, (_, n) => {
    if (device === 'pump-1' && HOT_READINGS.includes(n)) return TOO_HOT;
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

  constructor(
    private readonly deployment: Deployment,
    private readonly store: StoreDoor,
  ) {}

  async connect(): Promise<void> {
    const { operator, mqttPort } = this.deployment;
    await operator.registerWhenReady([...DEVICES, COMMANDED].map((id) => ({ id, secret: SECRET })));
    for (const id of DEVICES) await this.comesBack(id);
    this.valve = await CommandDevice.connect({ port: mqttPort, id: COMMANDED, secret: SECRET, version: 5 });
    await operator.commandReady(COMMANDED);
  }

  async play(): Promise<void> {
    const isFirst = this.round === 0;
    const refused = this.store.refusesOne();
    for (const id of DEVICES) await this.readings(id);
    await this.publish(
      'pump-1',
      isFirst ? 'events/overheated' : 'events/door',
      isFirst ? '{"state":"raised","severity":"warning"}' : '{"state":"info"}',
    );
    await this.publish('pump.2', 'telemetry', 'hello', PAYLOAD_FORMAT_INVALID);
    await this.publish('pump.2', 'nonsense', '{}', TOPIC_NAME_INVALID);
    await this.strangerAtTheDoor();
    await this.comesBack('pumpX2');
    await this.command(200);
    await this.command(404);
    await this.unanswered();
    await refused;
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
      await this.publish(
        id,
        'telemetry',
        JSON.stringify({ ts: this.startMs + n * READING_MS, seq: n, readings }),
      );
    }
  }

  private async publish(id: string, rest: string, payload: string, reason = 0): Promise<void> {
    const reaction = await this.strangers.get(id)?.publish(`devices/${id}/${rest}`, Buffer.from(payload));
    mustBe(reaction, { packet: 'PUBACK', reason });
  }

  private async comesBack(id: (typeof DEVICES)[number]): Promise<void> {
    this.strangers.get(id)?.close();
    const stranger = await Stranger.open(this.deployment.mqttPort, 5);
    this.strangers.set(id, stranger);
    mustBe(await stranger.connect({ clientId: id, username: id, password: SECRET }), {
      packet: 'CONNACK',
      reason: 0,
    });
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
