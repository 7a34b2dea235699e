import type { DeviceShare } from './device-share.js';

/** An array is handed over in at most so many: each may wait for the log, and the device for all of them. */
const MOST_PIECES = 4;

/** As many elements at a time as their device has room for, and at once what is left of an array that is lost. */
export function inPieces<Element>(
  share: DeviceShare | undefined,
  elements: readonly Element[],
  {
    isLost,
    handOver,
  }: { readonly isLost: () => boolean; readonly handOver: (element: Element, index: number) => void },
): void {
  const piece = Math.ceil(elements.length / MOST_PIECES);
  const left = elements.entries();
  const goOn = (): boolean => {
    let count = 0;
    for (const [index, element] of left) {
      handOver(element, index);
      count += 1;
      if (share?.isFull && count >= piece && !isLost()) return false; // `left` goes on behind it
    }
    return true;
  };
  if (share) share.run(goOn);
  else goOn();
}
