import type { BenchServices } from '../bench-services.js';
import type { Fault, FaultContext } from '../fault-case.js';
import { NO_FAULT, type ProxyFault } from '../proxy-fault.js';

/** Between Fieldgate and every broker; the brokers among themselves are well. */
export function onTheWay(services: BenchServices, fault: ProxyFault): Fault {
  const set = (what: ProxyFault): Promise<unknown> =>
    Promise.all(services.brokers.map((proxy) => proxy.set(what)));
  return { begin: () => set(fault), end: () => set(NO_FAULT) };
}

/** SIGSTOP of every broker. */
export function frozen({ cluster }: BenchServices): Fault {
  return {
    begin: () => cluster.nodes.forEach((node) => node.freeze()),
    end: () => cluster.nodes.forEach((node) => node.thaw()),
  };
}

/** An outage for which the spool is there: in its second half every device has answers to what it publishes then. */
export async function bridged(
  { load, wait, during, check }: FaultContext,
  fault: Fault,
  ms: number,
): Promise<void> {
  let half = 0;
  const begin = async (): Promise<void> => {
    await fault.begin();
    await wait(ms / 2);
    half = performance.now();
  };
  const end = (): Promise<unknown> | void => {
    check(load.isServedSince(half), 'a device was not served in the second half of the outage');
    return fault.end();
  };
  await during({ begin, end }, ms / 2);
}

/** SIGKILL of these nodes, by their index; their ports are closed meanwhile. */
export function down({ cluster, brokers }: BenchServices, indices: readonly number[]): Fault {
  const nodes = indices.flatMap((index) => cluster.nodes[index] ?? []);
  const doors = indices.flatMap((index) => brokers[index] ?? []);
  return {
    begin: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(doors.map((door) => door.set({ kind: 'refuse' })));
    },
    end: async () => {
      await Promise.all(doors.map((door) => door.set(NO_FAULT)));
      await Promise.all(nodes.map((node) => node.start()));
    },
  };
}
