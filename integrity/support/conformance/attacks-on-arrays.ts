import type { HostileCase } from './hostile-case.js';
import { publishPacket, Type } from './hostile-packets.js';
import { inWords, must } from './hostile-target.js';

const PAYLOAD_REFUSED = 0x99;
const MESSAGES = 20;
const ELEMENTS = 1_000;
/** Of the 128 KiB that a packet may have, beside its topic. */
const BYTES = 130_000;
/** Each of another code. */
const WRONG = ['7', '{"n":null}', '{"n n":1}', '{"n":1e999}'];

/** One message that is a thousand. */
export const ATTACKS_ON_ARRAYS: readonly HostileCase[] = [
  {
    id: 'n20',
    title: 'publishes arrays of 1,000 elements, all of them wrong: each message is refused once',
    only: 'log-in',
    attack: (target) => refusedArrays(target, ['7']),
  },
  {
    id: 'n21',
    title: 'does so in every way in which an element can be wrong: each message is refused once',
    only: 'log-in',
    attack: (target) => refusedArrays(target, WRONG),
  },
];

function refusedArrays(
  target: Parameters<HostileCase['attack']>[0],
  wrong: readonly string[],
): Promise<void> {
  return target.withinMemory(async () => {
    const { id, wire } = await target.connected();
    const topic = `devices/${id}/telemetry`;
    for (let n = 1; n <= MESSAGES; n++) {
      await wire.send(publishPacket({ topic, qos: 1, id: n, payload: arrayOf(wrong) }));
      const reason = (await wire.next(Type.PUBACK))?.[2];
      must(reason === PAYLOAD_REFUSED, `PUBACK says ${inWords(reason)}`);
    }
  });
}

function arrayOf(elements: readonly string[]): string {
  const all = Array.from({ length: ELEMENTS }, (_, n) => elements[n % elements.length]).join();
  return `[${all.padEnd(BYTES - 2, ' ')}]`;
}
