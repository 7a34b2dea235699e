import type { ErrorCode, Rejection } from '@fieldgate/contracts';

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
  private isUnwritten = false;
  private readonly refusals = new Map<ErrorCode, { rejection: Rejection; elements: number[] }>();

  constructor(
    private open: number,
    /** After the last of the elements: what of them was refused, or `unavailable` when one is not in the log. */
    private readonly settled: (refused: readonly Refusal[] | 'unavailable') => void,
  ) {}

  settle(element: number, outcome: 'acknowledge' | 'unavailable' | Rejection): void {
    if (outcome === 'unavailable') this.isUnwritten = true;
    else if (outcome !== 'acknowledge') this.refuse(element, outcome);
    this.open -= 1;
    if (this.open === 0) this.settled(this.isUnwritten ? 'unavailable' : [...this.refusals.values()]);
  }

  private refuse(element: number, rejection: Rejection): void {
    const refusal = this.refusals.get(rejection.code);
    if (refusal) refusal.elements.push(element);
    else this.refusals.set(rejection.code, { rejection, elements: [element] });
  }
}
