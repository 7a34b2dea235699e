import { PacketCutter } from '../support/mqtt-bytes.js';
import type { SystemCall } from './system-calls.js';

const PUBLISH = 3;
const PUBACK = 4;
const SYNCS = new Set(['fdatasync', 'fsync', 'msync']);
const WRITES = new Set(['write', 'pwrite64', 'writev']);

export interface Acknowledgements {
  readonly checked: number;
  /** Those that left without a flush that began after their PUBLISH was read, and ended before they were written. */
  readonly early: readonly string[];
}

/** Of one gateway that listens there; its data lies in files that `isLog` knows. Each connection must begin with a whole packet. */
export function acknowledgementsIn(
  calls: readonly SystemCall[],
  mqttPort: number,
  isLog: (path: string) => boolean,
): Acknowledgements {
  const flushes = calls.filter(
    ({ name, target, result }) => SYNCS.has(name) && isLog(target) && result === 0,
  );
  const early: string[] = [];
  let checked = 0;
  const connections = new Set(
    calls.map(({ target }) => target).filter((target) => target.includes(`:${mqttPort}->`)),
  );
  for (const connection of connections) {
    const own = calls.filter(({ target }) => target === connection);
    const readAt = new Map<number, number>();
    let now: SystemCall | undefined;
    const hears = new PacketCutter((type, body) => {
      if (type === PUBLISH) readAt.set(body.readUInt16BE(2 + body.readUInt16BE(0)), now?.to ?? 0);
    });
    const says = new PacketCutter((type, body) => {
      if (type !== PUBACK) return;
      checked += 1;
      const id = body.readUInt16BE(0);
      const read = readAt.get(id);
      const isFlushed = flushes.some(
        ({ from, to }) => read !== undefined && from > read && to < (now?.from ?? 0),
      );
      if (!isFlushed) early.push(`${connection} ${id}`);
    });
    for (const call of own.toSorted((a, b) => a.to - b.to)) {
      now = call;
      if (call.name === 'read') hears.add(call.bytes);
      else if (WRITES.has(call.name)) says.add(call.bytes);
    }
  }
  return { checked, early };
}

/** The writes to a file, those that a flush has covered and those that it has not: a power cut may lose these. */
export function writesTo(
  calls: readonly SystemCall[],
  path: string,
  /** Each of their writes is its own flush (O_DSYNC). */
  flushing: ReadonlySet<number> = new Set(),
): { readonly kept: readonly SystemCall[]; readonly atRisk: readonly SystemCall[] } {
  const own = calls.filter(({ target }) => target === path);
  const flushes = own.filter(({ name, result }) => SYNCS.has(name) && result === 0);
  const writes = own.filter(({ name }) => WRITES.has(name));
  const isKept = ({ fd, to }: SystemCall): boolean =>
    (flushing.has(fd) && to !== Infinity) || flushes.some(({ from }) => from > to);
  return { kept: writes.filter(isKept), atRisk: writes.filter((write) => !isKept(write)) };
}
