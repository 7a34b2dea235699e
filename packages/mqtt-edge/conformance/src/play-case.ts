import { sameMeaning } from './meaning.js';
import {
  PacketType,
  packetIdOf,
  PINGRESP,
  publishPacket,
  reasonOf,
  typeOf,
  withPacketId,
} from './packet-bytes.js';
import type { Step, VectorCase } from './vector-case.js';
import { type Clients, type Heard, inWords, NotServed, type Wire } from './wire.js';

/**
 * - `passed`: every expected packet came, and the end is as expected.
 * - `closedOther`: closed as it must be, but without the expected CONNACK or DISCONNECT, or with another reason code.
 * - `wrong`: anything else.
 */
export interface Verdict {
  readonly score: 'passed' | 'closedOther' | 'wrong';
  /** Byte for byte. */
  readonly exact: boolean;
  readonly got: string;
  readonly expected: string;
}

export async function playCase(vector: VectorCase, clients: Clients): Promise<Verdict> {
  let wire: Wire | undefined;
  try {
    wire = vector.connectFirst ? await clients.connected(vector.version) : await clients.open();
    return await new Conversation(vector, wire, clients).play();
  } catch (error) {
    if (error instanceof NotServed) return wrong(error.message, 'an ordinary client is served');
    throw error;
  } finally {
    wire?.close();
  }
}

class Conversation {
  /** Packet ids of the broker's own messages: the one in the data, and the one that this broker has picked. */
  private readonly picked = new Map<number, number>();
  private lastSent: number = PacketType.CONNECT;
  private exact = true;

  constructor(
    private readonly vector: VectorCase,
    private readonly wire: Wire,
    private readonly clients: Clients,
  ) {}

  async play(): Promise<Verdict> {
    for (const step of this.vector.steps) {
      const failure = await this.take(step);
      if (failure) return failure;
    }
    return this.vector.mustClose ? this.closes() : this.stillAnswers();
  }

  /** Undefined when the case goes on. */
  private async take(step: Step): Promise<Verdict | undefined> {
    switch (step.kind) {
      case 'send':
        this.lastSent = typeOf(step.bytes);
        this.wire.send(this.asPicked(step.bytes, [PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBCOMP]));
        return undefined;
      case 'receive':
        return this.receive(step.bytes);
      case 'publish':
        await this.publishByAnother(step);
        return undefined;
    }
  }

  private async receive(data: Buffer): Promise<Verdict | undefined> {
    const heard = await this.wire.next();
    const expected = this.expectedFrom(data, heard);
    if (typeof heard !== 'string') {
      if (expected.equals(heard)) return undefined;
      if (this.vector.version === 5 && sameMeaning(expected, heard)) {
        this.exact = false;
        return undefined;
      }
    }
    const score = (await this.closedAnyway(expected, heard)) ? 'closedOther' : 'wrong';
    return { score, exact: false, got: inWords(heard), expected: inWords(expected) };
  }

  /** A refusal that came in other words: the connection is closed as it must be. */
  private async closedAnyway(expected: Buffer, heard: Heard): Promise<boolean> {
    const type = typeOf(expected);
    const refusal = type === PacketType.DISCONNECT || type === PacketType.CONNACK;
    if (!this.vector.mustClose || !refusal || heard === 'silent') return false;
    if (heard === 'closed') return true;
    return typeOf(heard) === type && (await this.wire.next()) === 'closed';
  }

  /** MQTT 5 lets a broker say why before it closes, also where the data expects only the close. */
  private async closes(): Promise<Verdict> {
    let heard = await this.wire.next();
    if (heard === 'closed') return this.passed();
    if (this.isFarewell(heard)) {
      this.exact = false;
      heard = await this.wire.next();
    }
    return heard === 'closed' ? this.passed() : wrong(inWords(heard), 'closed');
  }

  private isFarewell(heard: Heard): boolean {
    if (typeof heard === 'string' || this.vector.version !== 5 || reasonOf(heard) < 0x80) return false;
    const refusedAtOnce = !this.vector.connectFirst && this.lastSent === PacketType.CONNECT;
    return typeOf(heard) === (refusedAtOnce ? PacketType.CONNACK : PacketType.DISCONNECT);
  }

  private async stillAnswers(): Promise<Verdict> {
    const heard = await this.wire.ping();
    const answers = typeof heard !== 'string' && heard.equals(PINGRESP);
    return answers ? this.passed() : wrong(inWords(heard), inWords(PINGRESP));
  }

  private async publishByAnother(message: { topic: string; qos: number; payload: string }): Promise<void> {
    const other = await this.clients.connected(4);
    other.send(publishPacket(message));
    if (message.qos > 0) await other.next();
    if (message.qos === 2) {
      other.send(Buffer.from([0x62, 2, 0, 1]));
      await other.next();
    }
    other.close();
  }

  /** The expected packet under the id that the broker has picked for its own message. */
  private expectedFrom(data: Buffer, heard: Heard): Buffer {
    if (typeOf(data) !== PacketType.PUBLISH) return this.asPicked(data, [PacketType.PUBREL]);
    const inData = packetIdOf(data);
    const id =
      typeof heard !== 'string' && typeOf(heard) === PacketType.PUBLISH ? packetIdOf(heard) : undefined;
    if (inData === undefined || id === undefined) return data;
    this.picked.set(inData, id);
    return withPacketId(data, id);
  }

  private asPicked(packet: Buffer, types: readonly number[]): Buffer {
    const inData = types.includes(typeOf(packet)) ? packetIdOf(packet) : undefined;
    const id = inData === undefined ? undefined : this.picked.get(inData);
    return id === undefined ? packet : withPacketId(packet, id);
  }

  private passed(): Verdict {
    return { score: 'passed', exact: this.exact, got: '', expected: '' };
  }
}

function wrong(got: string, expected: string): Verdict {
  return { score: 'wrong', exact: false, got, expected };
}
