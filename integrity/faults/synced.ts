import { PacketCutter } from '../support/mqtt-bytes.js';
import type { SystemCall } from './system-calls.js';

const PUBLISH = 3;
const PUBACK = 4;
const SYNCS = new Set(['fdatasync', 'fsync', 'msync']);
const WRITES = new Set(['write', 'pwrite64', 'writev']);

/** A reading of the load in a record, as gateways write it: its device and its number. */
const RECORD = /"subject":"([^"]+)"(?:(?!"subject").)*?"readings":\{"n":(\d+)/gs;
/** The same in a PUBLISH: behind the length of the topic. */
const PUBLISHED = /^..devices\/([^/]+)\/telemetry.*"readings":\{"n":(\d+)/s;

export interface Acknowledgements {
  readonly checked: number;
  /** Those that left without a flush of the file of their record that began after it was written, and ended before they were sent. */
  readonly early: readonly string[];
}

/** Of one gateway that listens there; its data lies in files that `isLog` knows. Each connection must begin with a whole packet. */
export function acknowledgementsIn(
  calls: readonly SystemCall[],
  mqttPort: number,
  isLog: (path: string) => boolean,
): Acknowledgements {
  const own = calls.filter(({ target }) => isLog(target));
  const flushes = own.filter(({ name, result }) => SYNCS.has(name) && result === 0);
  const written = writtenBy(own);
  const early: string[] = [];
  let checked = 0;
  const connections = new Set(
    calls.map(({ target }) => target).filter((target) => target.includes(`:${mqttPort}->`)),
  );
  for (const connection of connections) {
    const heard = new Map<number, string>();
    let sentFrom = 0;
    const hears = new PacketCutter((type, body) => {
      if (type !== PUBLISH) return;
      const [, device, n] = PUBLISHED.exec(body.toString('latin1')) ?? [];
      heard.set(body.readUInt16BE(2 + body.readUInt16BE(0)), `${device} ${n}`);
    });
    const says = new PacketCutter((type, body) => {
      if (type !== PUBACK) return;
      checked += 1;
      const id = body.readUInt16BE(0);
      const write = written.get(heard.get(id) ?? '');
      const covers = ({ from, to, target }: SystemCall): boolean =>
        write !== undefined && target === write.target && from > write.to && to < sentFrom;
      if (!flushes.some(covers)) early.push(`${connection} ${id}`);
    });
    const there = calls.filter(({ target }) => target === connection);
    for (const call of there.toSorted((a, b) => a.to - b.to)) {
      sentFrom = call.from;
      if (call.name === 'read') hears.add(call.bytes);
      else if (WRITES.has(call.name)) says.add(call.bytes);
    }
  }
  return { checked, early };
}

/** Where in the trace each reading was written for the first time. */
function writtenBy(calls: readonly SystemCall[]): Map<string, SystemCall> {
  const written = new Map<string, SystemCall>();
  for (const call of calls) {
    if (!WRITES.has(call.name)) continue;
    for (const [, device, n] of call.bytes.toString('latin1').matchAll(RECORD)) {
      const reading = `${device} ${n}`;
      if (call.to < (written.get(reading)?.to ?? Infinity)) written.set(reading, call);
    }
  }
  return written;
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
