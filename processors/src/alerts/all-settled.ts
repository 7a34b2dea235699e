/** Waits for all of them also when one fails, so that nothing is still under way when it comes again. */
export async function allSettled(appends: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(appends)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
