import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest, type AtEnd } from '../at-end.js';
import type { Deployment } from '../deployment.js';
import { until } from '../operator.js';
import { PacketDevice } from '../packet-device.js';

const SECRET = 'qos-secret-0123456789';
const STORED_WITHIN_MS = 60_000;
const LAST = 1_000_000;
const TEST_MS = 120_000;

/** What QoS 1 and 2 promise, up to the store: published ⊇ stored ⊇ acknowledged, and each message once where its device names it. */
export function describeQosKeepsItsWord(open: () => Promise<Deployment>): void {
  describe('a message', () => {
    const atEnd = atEndOfEachTest();
    let deployment: Deployment;
    beforeAll(async () => {
      deployment = await open();
    }, 120_000);
    afterAll(() => deployment?.stop(), 60_000);
    const given = (): Promise<GivenDevice> => GivenDevice.register(deployment, atEnd);

    it.each<[string, () => Record<string, unknown>, number[]]>([
      ['seq', () => ({ ts: Date.now(), seq: 1 }), [1]],
      ['id', () => ({ id: 'boot-7-1' }), [1]],
      ['nothing to know it by', () => ({}), [1, 1]],
    ])(
      'of QoS 1 that is sent again with DUP after its PUBACK was lost, with %s',
      async (_what, name, stored) => {
        const device = await given();
        const payload = { ...name(), readings: { n: 1 } };
        const first = await device.connect();
        first.stopReading();
        first.publish(payload, { qos: 1, messageId: 1 });
        expect(await device.stored((values) => values.length > 0)).toEqual([1]);
        first.destroy();

        const second = await device.connect();
        expect(second.sessionPresent).toBe(true);
        second.publish(payload, { qos: 1, messageId: 1, dup: true });
        expect(await second.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
        expect(await device.storedAtLast(second)).toEqual(stored);
      },
      TEST_MS,
    );

    it(
      'of QoS 2 that comes again, and whose PUBREL comes again, on one connection is stored once, without a name',
      async () => {
        const device = await given();
        const client = await device.connect();
        for (const dup of [false, true, true]) {
          client.publish({ n: 1 }, { qos: 2, messageId: 1, dup });
          expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
        }
        for (let time = 1; time <= 2; time += 1) {
          client.release(1);
          expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 1 });
        }
        client.publish({ n: 2 }, { qos: 2, messageId: 1 }); // released: a new one
        expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
        expect(await device.storedAtLast(client)).toEqual([1, 2]);
      },
      TEST_MS,
    );

    it(
      'of QoS 2 whose PUBREC was lost with the connection is stored once when its session goes on, without a name',
      async () => {
        const device = await given();
        const first = await device.connect();
        first.stopReading();
        first.publish({ n: 1 }, { qos: 2, messageId: 1 });
        expect(await device.stored((values) => values.length > 0)).toEqual([1]);
        first.destroy();

        const second = await device.connect();
        expect(second.sessionPresent).toBe(true);
        second.publish({ n: 1 }, { qos: 2, messageId: 1, dup: true });
        expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
        second.destroy();

        const third = await device.connect();
        third.release(1); // and this time the PUBCOMP was lost
        expect(await third.next()).toMatchObject({ cmd: 'pubcomp', messageId: 1 });
        expect(await device.storedAtLast(third)).toEqual([1]);
      },
      TEST_MS,
    );

    it(
      'is stored once when its device sends all of its session again, as one does that does not know what was taken',
      async () => {
        const device = await given();
        const began = Date.now() - 3_600_000;
        const reading = (n: number): Record<string, unknown> =>
          n % 2 === 0
            ? { ts: began + n, seq: n, readings: { n } }
            : { id: `boot-7-${n}`, ts: began + n, readings: { n } };
        const messages: unknown[] = Array.from({ length: 40 }, (_, index) => reading(index));
        for (let from = 40; from < 100; from += 20)
          messages.push(Array.from({ length: 20 }, (_, index) => reading(from + index)));
        for (const clean of [false, false, true]) {
          const client = await device.connect(clean);
          for (const [index, message] of messages.entries())
            client.publish(message, { qos: index % 3 === 0 ? 2 : 1, messageId: index + 1 });
          for (let answers = 0; answers < messages.length; answers += 1)
            expect(['puback', 'pubrec']).toContain((await client.next()).cmd);
          for (let index = 0; index < messages.length; index += 3) {
            client.release(index + 1);
            expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: index + 1 });
          }
          client.destroy();
        }
        const stored = await device.storedAtLast(await device.connect());
        expect(stored).toEqual(Array.from({ length: 100 }, (_, n) => n));
      },
      TEST_MS,
    );
  });
}

/** A registered device, and what the store has of it. */
class GivenDevice {
  private readonly from = Date.now() - 2 * 3_600_000;

  private constructor(
    private readonly id: string,
    private readonly deployment: Deployment,
    private readonly atEnd: AtEnd,
  ) {}

  static async register(deployment: Deployment, atEnd: AtEnd): Promise<GivenDevice> {
    const id = `qos-${randomBytes(4).toString('hex')}`;
    await deployment.operator.registerWhenReady([{ id, secret: SECRET }]);
    return new GivenDevice(id, deployment, atEnd);
  }

  async connect(clean = false): Promise<PacketDevice> {
    const device = await PacketDevice.open(this.deployment.mqttPort, this.id, SECRET, clean);
    this.atEnd(() => device.destroy());
    return device;
  }

  stored(wanted: (values: readonly number[]) => boolean): Promise<number[]> {
    const { operator } = this.deployment;
    const read = (): Promise<number[]> => operator.values(this.id, 'n', this.from, Date.now() + 60_000);
    return until(read, wanted, STORED_WITHIN_MS);
  }

  /** Everything that the device has sent before, in the store: one more message, the last in the same partition, says so. */
  async storedAtLast(client: PacketDevice): Promise<number[]> {
    const messageId = 60_000;
    client.publish({ ts: Date.now(), seq: LAST, readings: { n: LAST } }, { qos: 1, messageId });
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId });
    const values = await this.stored((all) => all.includes(LAST));
    return values.filter((value) => value !== LAST).toSorted((a, b) => a - b);
  }
}
