import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { until } from '../operator.js';
import { AttackedGateway, HOSTILE_SECRET, type AttackedServer } from './attacked-server.js';
import {
  connectPacket,
  type ConnectFields,
  PINGREQ,
  reasonString,
  subscribePacket,
  Type,
} from './hostile-packets.js';
import { HostileWire } from './hostile-wire.js';

/** Of the 96 MiB that a flood sends; a leak keeps more than was sent. */
const KEPT_PER_FLOOD_MIB = 64;
/** Garbage that nobody has collected yet does not grow with every flood. */
const FLOODS = 4;
const COLLECTED_WITHIN_MS = 3_000;

export interface Attacker {
  readonly id: string;
  readonly wire: HostileWire;
}

/** What an attack has against it, and what it may ask of it. */
export class HostileTarget {
  private readonly wires: HostileWire[] = [];

  constructor(
    readonly server: AttackedServer,
    /** The client that must notice nothing. */
    readonly witnessId: string,
  ) {}

  /** TCP, or what is below a WebSocket. */
  async open(port = this.server.port): Promise<HostileWire> {
    const wire = await HostileWire.open(port);
    this.wires.push(wire);
    return wire;
  }

  /** What the attacker sends first is its upgrade. */
  async openWebSocket(): Promise<HostileWire> {
    if (!(this.server instanceof AttackedGateway)) throw new Error('only the gateway speaks WebSocket');
    return this.open(this.server.deployment.portOf('ws'));
  }

  async registered(id = `hostile-${randomBytes(4).toString('hex')}`): Promise<string> {
    await this.server.admit(id);
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

  /** The reason code of CONNACK, and the sentence beside it; undefined when none comes. */
  async tried(fields: ConnectFields): Promise<{
    readonly wire: HostileWire;
    readonly reason: number | undefined;
    readonly says: string;
  }> {
    const wire = await this.open();
    await wire.send(connectPacket(fields));
    const connack = await wire.next(Type.CONNACK);
    return { wire, reason: connack?.[1], says: reasonString(connack?.subarray(2)) };
  }

  /** Whether a message of this device with this `n` is stored, or delivered to who has subscribed, in ten seconds. */
  async arrivals(id: string): Promise<(n: number, withinMs?: number) => Promise<boolean>> {
    if (this.server instanceof AttackedGateway) {
      const { operator } = this.server.deployment;
      const values = (): Promise<number[]> =>
        operator.values(id, 'n', Date.now() - 60_000, Date.now() + 60_000);
      return async (n, withinMs = 10_000) =>
        (await until(values, (stored) => stored.includes(n), withinMs)).includes(n);
    }
    const { wire } = await this.connected();
    await wire.send(subscribePacket(1, [`devices/${id}/#`]));
    await wire.next(Type.SUBACK);
    return async (n) => {
      for (;;) {
        const message = await wire.next(Type.PUBLISH);
        if (!message || message.includes(`{"n":${n}}`)) return message !== undefined;
      }
    };
  }

  /** More than are delivered at a time, and as large as an operator may send them. */
  async floodWithCommands(id: string): Promise<void> {
    if (!(this.server instanceof AttackedGateway)) throw new Error('only devices have commands');
    const { operator } = this.server.deployment;
    await operator.commandReady(id);
    const params = { text: 'x'.repeat(50_000) };
    for (let n = 0; n < 100; n++) {
      const { status, body } = await operator.command(id, 'flood', { params });
      must(status < 500, `the operator is answered ${status} ${JSON.stringify(body)}`);
    }
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

  /** Whether the server’s system asks this client after a silence whether it is still there. */
  async isAskedByTcp(wire: HostileWire): Promise<boolean> {
    const remote = `0100007F:${wire.localPort.toString(16).toUpperCase().padStart(4, '0')}`;
    const timer = async (): Promise<string | undefined> => {
      const sockets = await readFile(`/proc/${this.server.pid}/net/tcp`, 'utf8');
      return new RegExp(`: \\w+:\\w+ ${remote} \\w+ \\w+:\\w+ (\\w+):`).exec(sockets)?.[1];
    };
    const KEEP_ALIVE = '02'; // proc(5); another one runs until the last answer is acknowledged
    return (await until(timer, (code) => code === KEEP_ALIVE, 5_000)) === KEEP_ALIVE;
  }

  /** Whatever attackers have left open. */
  close(): void {
    for (const wire of this.wires.splice(0)) wire.close();
  }

  /** Without files that are mapped, as those of the embedded log are. */
  private async memoryMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.server.pid}/status`, 'utf8');
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }
}

export function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

/** The connection ends, and an MQTT 5 client is told one of these reasons, and what it has broken. */
export async function mustEnd(wire: HostileWire, reasons: readonly number[], says: RegExp): Promise<void> {
  must(await wire.closes(), 'the connection stays open');
  const { farewell } = wire;
  const told = farewell !== undefined && reasons.includes(farewell.reason);
  must(
    told,
    `DISCONNECT ${inWords(farewell?.reason)}, not ${reasons.map(inWords).join(' or ')}, before the close`,
  );
  must(says.test(farewell?.says ?? ''), `DISCONNECT says "${farewell?.says}"`);
}

export function inWords(reason: number | undefined): string {
  return reason === undefined ? 'nothing' : `0x${reason.toString(16).padStart(2, '0')}`;
}
