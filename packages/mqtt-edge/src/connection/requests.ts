import { isReasonCodeOf } from '../codec/packet-reason-codes.js';
import {
  PacketType,
  type SubackPacket,
  type SubscribePacket,
  type UnsubackPacket,
  type UnsubscribePacket,
} from '../codec/packet.js';

type Answer = Pick<SubackPacket | UnsubackPacket, 'type' | 'packetId' | 'reasonCodes'>;

interface Request {
  readonly answer: Answer['type'];
  readonly packetId: number;
  readonly filters: number;
}

/** What an answer breaks that has too many or too few codes, and one with a code that it has not. */
const RULES = {
  [PacketType.suback]: { name: 'SUBACK', count: 'MQTT-3.8.4-6', code: 'MQTT-3.9.3-2' },
  [PacketType.unsuback]: { name: 'UNSUBACK', count: 'MQTT-3.11.3-1', code: 'MQTT-3.11.3-2' },
} as const;

/** SUBSCRIBE and UNSUBSCRIBE packets of the client that wait for their answer. */
export class Requests {
  /** In the order in which they came. Made with the first: most clients ask once, or never. */
  private waiting: Request[] | undefined;

  get size(): number {
    return this.waiting?.length ?? 0;
  }

  add(packet: SubscribePacket | UnsubscribePacket): void {
    const { type, packetId } = packet;
    const isSubscribe = type === PacketType.subscribe;
    const answer = isSubscribe ? PacketType.suback : PacketType.unsuback;
    const { length: filters } = isSubscribe ? packet.subscriptions : packet.filters;
    (this.waiting ??= []).push({ answer, packetId, filters });
  }

  /**
   * False: nothing waits for this answer, it may have been given already. Throws a RangeError for one that its packet cannot be: another code in the
   * place of one that does not exist might grant what was not granted.
   */
  answered(answer: Answer): boolean {
    const { type, packetId, reasonCodes } = answer;
    const waiting = this.waiting ?? [];
    const isMine = (request: Request) => request.answer === type && request.packetId === packetId;
    const first = waiting.find(isMine);
    if (first === undefined) return false;
    // a client that breaks [MQTT-2.2.1-3] may have several under one id: each gets the answer of its length
    const at = waiting.findIndex((request) => isMine(request) && request.filters === reasonCodes.length);
    if (at < 0) throw new RangeError(countObjection(answer, first.filters));
    const wrong = reasonCodes.find((code) => !isReasonCodeOf(type, code, 'server'));
    if (wrong !== undefined) throw new RangeError(codeObjection(answer, wrong));
    waiting.splice(at, 1);
    return true;
  }
}

function countObjection({ type, packetId, reasonCodes }: Answer, filters: number): string {
  const { name, count } = RULES[type];
  return `${name} ${packetId} has ${reasonCodes.length} reason codes, and was asked for ${filters} [${count}]`;
}

function codeObjection({ type, packetId }: Answer, wrong: number): string {
  const { name, code } = RULES[type];
  return `${name} ${packetId} has reason code 0x${wrong.toString(16)}, which is none of ${name} [${code}]`;
}
