import { detailOfElements, reject, type ErrorCode, type Rejection } from '@fieldgate/contracts';
import type { Receipt } from './receipt.js';

/** Becomes a dead letter: a message, or those elements of it that have one code; then the rejection is that of the first of them. */
export interface Refusal {
  readonly rejection: Rejection;
  readonly elements?: readonly number[];
}

/**
 * The elements of one message, each of which is a record of its own or refused alone. What was refused waits for the last of them: a dead letter
 * keeps the whole message, so there is one for each code and not one for each element.
 */
export class ArrivedArray {
  private lost = 0;
  private readonly refusals = new Map<ErrorCode, { rejection: Rejection; elements: number[] }>();

  constructor(
    private open: number,
    /** After the last of the elements: what of them was refused, and how many are not in the log. */
    private readonly settled: (refused: readonly Refusal[], lost: number) => void,
    /** For a device that wants one. */
    readonly receipt?: Receipt,
  ) {}

  /** One of them is not in the log. */
  get isLost(): boolean {
    return this.lost > 0;
  }

  settle(element: number, outcome: 'acknowledge' | 'unavailable' | Rejection): void {
    if (outcome === 'unavailable') this.lost += 1;
    else if (outcome !== 'acknowledge') this.refuse(element, outcome);
    this.open -= 1;
    if (this.open === 0) this.settled([...this.refusals.values()], this.lost);
  }

  private refuse(element: number, rejection: Rejection): void {
    const refusal = this.refusals.get(rejection.code);
    if (refusal) refusal.elements.push(element);
    else this.refusals.set(rejection.code, { rejection, elements: [element] });
  }
}

/** What the device is told of a message of `count` elements: how many are refused, and why the first is. Undefined: none. */
export function answerTo(refusals: readonly Refusal[], count: number): Rejection | undefined {
  const [first] = refusals;
  if (first === undefined) return undefined;
  const refused = refusals.reduce((sum, { elements }) => sum + (elements?.length ?? 0), 0);
  const which =
    refused === count
      ? `all ${count} elements are refused`
      : `${refused} of ${count} elements are refused, the others stored`;
  const { code, detail } = first.rejection;
  const why = detailOfElements(detail, first.elements ?? []);
  return reject(code, count === 1 ? why : `${which}: ${why}`);
}
