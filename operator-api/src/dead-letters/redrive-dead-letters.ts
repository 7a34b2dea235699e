import { isRejection } from '@fieldgate/contracts';
import { LOGGER, type Logger } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import { DurableAppend } from '../durable-append.js';
import { judgeAgain } from './judge-again.js';
import { ReadDeadLetters, type DeadLetter, type LetterFilter, type PageStart } from './read-dead-letters.js';

/** What became of one letter; the letter itself stays until it expires. */
export interface RedriveOutcome {
  readonly id: string;
  readonly outcome: 'redriven' | 'would-be-redriven' | 'refused' | 'not-redrivable';
  /** Where it went, or would go. */
  readonly topic?: string;
  /** How many, when it is not one: of a letter for several elements of an array. */
  readonly records?: number;
  readonly code?: string;
  readonly detail?: string;
}

/** Drives dead letters again: for when what refused them was mended. Doing it twice does no harm: the same letter is the same events. */
@Injectable()
export class RedriveDeadLetters {
  constructor(
    private readonly letters: ReadDeadLetters,
    private readonly appends: DurableAppend,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async one(letter: DeadLetter, dryRun: boolean): Promise<RedriveOutcome> {
    const id = `${letter.summary.partition}-${letter.summary.offset}`;
    const judged = judgeAgain(letter);
    if (isRejection(judged)) {
      const { code, detail } = judged;
      return { id, outcome: code === 'not-redrivable' ? code : 'refused', code, detail };
    }
    const { topic, values } = judged;
    const { deviceId } = letter.summary;
    const done = values.length === 1 ? { topic } : { topic, records: values.length };
    if (dryRun) return { id, outcome: 'would-be-redriven', ...done };
    const append = (value: Uint8Array): Promise<void> =>
      this.appends.append({ topic, key: deviceId, value }, () => Promise.resolve());
    await Promise.all(values.map(append));
    this.logger.info({ id, deviceId, ...done }, 'dead letter driven again');
    return { id, outcome: 'redriven', ...done };
  }

  /** The oldest of a page first, so that what a device sent first is first again. Stops where the log fails: what came before it is done. */
  async many(
    query: LetterFilter & { readonly limit: number; readonly before: PageStart | undefined },
    dryRun: boolean,
  ): Promise<{ readonly outcomes: readonly RedriveOutcome[]; readonly next?: PageStart }> {
    const { letters, next } = await this.letters.page(query);
    const outcomes: RedriveOutcome[] = [];
    for (const at of letters.toReversed()) {
      const letter = await this.letters.get(at);
      if (letter) outcomes.push(await this.one(letter, dryRun)); // gone: it has just expired
    }
    return { outcomes, ...(next === undefined ? {} : { next }) };
  }
}
