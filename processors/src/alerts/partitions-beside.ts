import type { LogTopic } from '@fieldgate/contracts';
import type { LogReader, PartitionBounds } from '@fieldgate/commit-log';

/**
 * Where a topic keeps what belongs to the devices of one partition of another: the partition of the same number, since the same key goes to
 * the same one, or any of them, when the topics have different numbers of partitions.
 */
export async function partitionsBeside(
  reader: LogReader,
  topic: LogTopic,
  source: { readonly topic: LogTopic; readonly partition: number },
): Promise<readonly PartitionBounds[]> {
  const [bounds, sources] = await Promise.all([reader.bounds(topic), reader.bounds(source.topic)]);
  return bounds.length === sources.length
    ? bounds.filter(({ partition }) => partition === source.partition)
    : bounds;
}
