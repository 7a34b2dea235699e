import { expect, it } from '@jest/globals';
import type { FieldgateError } from '@fieldgate/contracts';
import { Inbox } from '../inbox.js';
import {
  bytes,
  CONTRACT_TIMEOUT_MS,
  Member,
  say,
  textsOf,
  TOPIC,
  unexpected,
  unique,
  uniqueGroup,
  withKey,
  type Subject,
} from './subject.js';
import { recordsBetween } from './reading.js';

/** What `CommitLog` promises about its own life. */
export function lifePromises(subject: Subject): void {
  it(
    'keeps records, positions and the offsets of groups over a restart',
    async () => {
      const key = unique('device');
      const group = uniqueGroup();
      const start = await subject.log.reader.bounds(TOPIC);
      const before = await say(subject.log, TOPIC, key, '1', '2', '3');
      const member = await new Member(subject.log, group, withKey(key)).start();
      await member.records.count(3);
      await member.stop();

      await subject.reopen();

      expect(textsOf((await recordsBetween(subject.log, TOPIC, start)).filter(withKey(key)))).toEqual([
        '1',
        '2',
        '3',
      ]);
      const [after] = await say(subject.log, TOPIC, key, '4');
      expect(after?.partition).toBe(before[2]?.partition);
      expect(after?.offset).toBeGreaterThan(before[2]?.offset ?? unexpected('no position'));
      const again = await new Member(subject.log, group, withKey(key)).start();
      await again.records.count(1);
      await again.stop();
      expect(textsOf(again.records.all)).toEqual(['4']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it('has no problem while it is well', () => {
    expect(subject.log.problem()).toBeUndefined();
  });

  it(
    'may be started twice',
    async () => {
      await subject.log.start();
      expect(await say(subject.log, TOPIC, unique('device'), '1')).toHaveLength(1);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'lets what was appended settle before it stops, ends every consumption, and takes nothing afterwards',
    async () => {
      const opened = await subject.open();
      const key = unique('device');
      const member = await new Member(opened.log, uniqueGroup(), withKey(key)).start();
      await say(opened.log, TOPIC, key, 'first');
      await member.records.count(1);
      const settled = new Inbox<FieldgateError | undefined>();
      for (let n = 0; n < 300; n += 1)
        opened.log.writer.append({ topic: TOPIC, key, value: bytes(`${n}`) }, (error) => settled.push(error));
      await opened.log.stop();
      expect(settled.all).toEqual(Array.from({ length: 300 }, () => undefined));
      expect(member.batches.all.map(({ assignment }) => assignment.isHeld())).not.toContain(true);

      const late = new Inbox<FieldgateError | undefined>();
      opened.log.writer.append({ topic: TOPIC, key, value: bytes('late') }, (error) => late.push(error));
      expect(late.all).toHaveLength(0);
      const [error] = await late.count(1);
      expect([error?.code, error?.retriable]).toEqual(['log-unavailable', true]);
      await opened.log.stop();
      await opened.close();
    },
    CONTRACT_TIMEOUT_MS,
  );
}
