import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Deployment } from '../deployment.js';
import { until } from '../operator.js';
import { connectPacket, type ConnectFields, PINGREQ, Type } from './hostile-packets.js';
import { HostileWire } from './hostile-wire.js';

export const HOSTILE_SECRET = 'hostile-secret-0123456789';

/** Of the 96 MiB that a flood sends; a leak keeps more than was sent. */
const KEPT_PER_FLOOD_MIB = 64;
/** Garbage that nobody has collected yet does not grow with every flood. */
const FLOODS = 4;
const COLLECTED_WITHIN_MS = 3_000;

export interface Attacker {
  readonly id: string;
  readonly wire: HostileWire;
}

/** What an attack has against it: the gateway of a deployment, with log-in. */
export class HostileTarget {
  private readonly wires: HostileWire[] = [];

  constructor(
    readonly deployment: Deployment,
    /** The device that must notice nothing. */
    readonly witnessId: string,
  ) {}

  async open(): Promise<HostileWire> {
    const wire = await HostileWire.open(this.deployment.mqttPort);
    this.wires.push(wire);
    return wire;
  }

  async registered(id = `hostile-${randomBytes(4).toString('hex')}`): Promise<string> {
    await this.deployment.operator.register([{ id, secret: HOSTILE_SECRET }]);
    return id;
  }

  /** A registered device with its own log-in; throws when it is not let in. */
  async connected(fields: Partial<ConnectFields> = {}): Promise<Attacker> {
    const id = fields.clientId ?? (await this.registered());
    const { wire, reason } = await this.tried({
      clientId: id,
      username: id,
      password: HOSTILE_SECRET,
      ...fields,
    });
    must(reason === 0, `CONNECT of ${id} was answered with ${inWords(reason)}`);
    return { id, wire };
  }

  /** The reason code of CONNACK; undefined when none comes. */
  async tried(
    fields: ConnectFields,
  ): Promise<{ readonly wire: HostileWire; readonly reason: number | undefined }> {
    const wire = await this.open();
    await wire.send(connectPacket(fields));
    const connack = await wire.next(Type.CONNACK);
    return { wire, reason: connack?.[1] };
  }

  async isServed(wire: HostileWire): Promise<boolean> {
    await wire.send(PINGREQ);
    return (await wire.next(Type.PINGRESP)) !== undefined;
  }

  /** Fails when what a flood sends stays in memory, flood after flood. */
  async withinMemory(flood: () => Promise<void>): Promise<void> {
    const before = await this.memoryMiB();
    let growth = 0;
    for (let floods = 1; floods <= FLOODS; floods++) {
      await flood();
      growth = await until(
        async () => Math.round((await this.memoryMiB()) - before),
        (mebibytes) => mebibytes <= KEPT_PER_FLOOD_MIB * floods,
        COLLECTED_WITHIN_MS,
      );
      if (growth <= KEPT_PER_FLOOD_MIB * floods) return;
    }
    must(false, `${growth} MiB stay in memory after ${FLOODS} floods`);
  }

  /** Whatever attackers have left open. */
  close(): void {
    for (const wire of this.wires.splice(0)) wire.close();
  }

  /** Without files that are mapped, as those of the embedded log are. */
  private async memoryMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.deployment.pidOf('gateway')}/status`, 'utf8');
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }
}

export function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

/** The connection ends, and an MQTT 5 client is told one of these reasons. */
export async function mustEnd(wire: HostileWire, reasons: readonly number[]): Promise<void> {
  must(await wire.closes(), 'the connection stays open');
  const told = wire.farewell !== undefined && reasons.includes(wire.farewell);
  must(
    told,
    `DISCONNECT ${inWords(wire.farewell)}, not ${reasons.map(inWords).join(' or ')}, before the close`,
  );
}

export function inWords(reason: number | undefined): string {
  return reason === undefined ? 'nothing' : `0x${reason.toString(16).padStart(2, '0')}`;
}
