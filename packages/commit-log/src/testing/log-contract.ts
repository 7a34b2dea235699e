import { afterAll, beforeAll, describe } from '@jest/globals';
import type { CommitLog } from '../commit-log.js';
import { consumerPromises } from './contract/consumer-promises.js';
import { followerPromises } from './contract/follower-promises.js';
import { lifePromises } from './contract/life-promises.js';
import { outcomePromises } from './contract/outcome-promises.js';
import { CONTRACT_TIMEOUT_MS, type OpenedLog, type OpenLog, type Subject } from './contract/subject.js';
import { tablePromises } from './contract/table-promises.js';
import { writerPromises } from './contract/writer-promises.js';

export type { OpenedLog, OpenLog } from './contract/subject.js';

/**
 * Every promise of the port, for every adapter: `openLog` resolves with a started log on the topics of `LOG_TOPICS`. Nothing here assumes that
 * the topics are empty, or how many partitions they have; groups and keys are new in every run.
 */
export function describeLogContract(name: string, openLog: OpenLog): void {
  describe(`the commit log on ${name}`, () => {
    let opened: OpenedLog | undefined;
    let log: CommitLog | undefined;
    const subject: Subject = {
      open: openLog,
      get log() {
        if (log === undefined) throw new Error('the log is not open');
        return log;
      },
      reopen: async () => {
        log = await opened?.reopen();
      },
    };

    beforeAll(async () => {
      opened = await openLog();
      log = opened.log;
    }, CONTRACT_TIMEOUT_MS);

    afterAll(() => opened?.close(), CONTRACT_TIMEOUT_MS);

    describe('writing', () => writerPromises(subject));
    describe('a consumer group', () => consumerPromises(subject));
    describe('what a handler answers', () => outcomePromises(subject));
    describe('following and reading', () => followerPromises(subject));
    describe('a table', () => tablePromises(subject));
    describe('its life', () => lifePromises(subject));
  });
}
