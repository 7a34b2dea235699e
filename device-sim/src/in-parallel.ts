/** Does `work` for every element, at most `width` at a time; the first error ends it. */
export async function inParallel<T>(
  elements: readonly T[],
  width: number,
  work: (element: T) => Promise<void>,
): Promise<void> {
  const rest = elements.values();
  const worker = async (): Promise<void> => {
    for (const element of rest) await work(element); // one iterator, shared by all workers
  };
  await Promise.all(Array.from({ length: Math.min(width, elements.length) }, worker));
}
