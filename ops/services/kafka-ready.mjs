import { fetchMetadata, fetchQuorumLeader } from './kafka-wire.mjs';

/**
 * What one broker lacks to be ready; undefined: nothing.
 * @param {{ id: number, port: number }} node
 * @param {{ id: number, port: number }[]} alive the brokers that it must know
 */
export async function brokerFault(node, alive) {
  const { brokers, controllerId } = await fetchMetadata(node.port);
  const missing = alive.filter(
    ({ id, port }) => !brokers.some((broker) => broker.id === id && broker.port === port),
  );
  if (missing.length > 0)
    return `node ${node.id} does not know broker ${missing.map(({ id }) => id).join(' and ')}`;
  if (controllerId < 0 || (await fetchQuorumLeader(node.port)) < 0)
    return `node ${node.id} knows no controller`;
  return undefined;
}

/**
 * The first partition that lacks a leader or a replica in sync; undefined: none.
 * @param {number} port of the broker that is asked
 */
export async function outOfSync(port) {
  const { topics } = await fetchMetadata(port, { topics: true });
  for (const { name, partitions } of topics) {
    const late = partitions.find(({ leader, replicas, isr }) => leader < 0 || isr.length < replicas.length);
    if (late)
      return `${name}-${late.id}: leader ${late.leader}, in sync ${late.isr.join()} of ${late.replicas.join()}`;
  }
  return undefined;
}
