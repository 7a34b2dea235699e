import type { LogTopic } from '@fieldgate/contracts';
import type { LogReader } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import type { Clock } from '@fieldgate/service';

/** From now on the topic is a new one, and empty. */
export function makeAnew({ reader, writer }: MemoryLog, topic: LogTopic, clock: Clock): void {
  const anew = createMemoryLog({ clock });
  void anew.start(); // memory
  const bounds = reader.bounds.bind(reader);
  const read = reader.read.bind(reader);
  const append = writer.append.bind(writer);
  reader.bounds = (of) => (of === topic ? anew.reader.bounds(of) : bounds(of));
  reader.read = (of, range): ReturnType<LogReader['read']> =>
    of === topic ? anew.reader.read(of, range) : read(of, range);
  writer.append = (record, settle) =>
    record.topic === topic ? anew.writer.append(record, settle) : append(record, settle);
}
