import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SERVICES_SOURCE } from './paths.mjs';
import { ServiceError } from './service-error.mjs';
import { ServiceProcess } from './service-process.mjs';

/**
 * @typedef {object} KafkaNodePlan
 * @property {number} id from 1
 * @property {string} folder configuration, log, pid file and data of this node
 * @property {number} port
 * @property {number} controllerPort
 * @property {{ listen: number, advertised: number }} [front] a second door, whose clients are sent on to another port
 * @property {Record<string, string>} [properties] beside or instead of those below
 *
 * @typedef {object} JavaCommand
 * @property {string} java
 * @property {string[]} options class path and, where it exists, the class-data archive
 */

/** @param {KafkaNodePlan} plan */
export function configFile(plan) {
  return join(plan.folder, 'server.properties');
}

/**
 * @param {KafkaNodePlan} plan
 * @param {KafkaNodePlan[]} all
 */
export function writeConfig(plan, all) {
  mkdirSync(plan.folder, { recursive: true });
  writeFileSync(configFile(plan), serverProperties(plan, all));
}

/** The cluster id on the node's data folder; undefined for a new one. @param {KafkaNodePlan} plan */
export function formattedFor(plan) {
  const file = join(plan.folder, 'data', 'meta.properties');
  return existsSync(file) ? /^cluster\.id=(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
}

/**
 * @param {KafkaNodePlan} plan
 * @param {string} clusterId
 * @param {JavaCommand} javaCommand
 */
export async function format(plan, clusterId, { java, options }) {
  const jvm = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...options];
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    configFile(plan),
    '--ignore-formatted',
  ];
  try {
    await promisify(execFile)(java, [...jvm, ...tool]);
  } catch (error) {
    throw new ServiceError(
      `kafka node ${plan.id}: the data folder cannot be formatted:\n${error.stdout}${error.stderr}`,
    );
  }
}

/**
 * @param {KafkaNodePlan} plan
 * @param {JavaCommand} javaCommand
 * @param {{ heapMb: number, keepRunning: boolean }} options
 */
export function nodeProcess(plan, { java, options }, { heapMb, keepRunning }) {
  return new ServiceProcess({
    name: `kafka node ${plan.id}`,
    command: java,
    args: [
      `-Xms${heapMb}m`,
      `-Xmx${heapMb}m`,
      '-XX:+UseSerialGC',
      '-XX:MaxDirectMemorySize=256m',
      `-Dlog4j2.configurationFile=${join(SERVICES_SOURCE, 'kafka', 'log4j2.properties')}`,
      ...options,
      'kafka.Kafka',
      configFile(plan),
    ],
    folder: plan.folder,
    marker: configFile(plan),
    port: plan.port,
    logName: 'kafka.log',
    keepRunning,
  });
}

/**
 * The timeouts are short so that a lost node is noticed in seconds. `controller.socket.timeout.ms` is one of them: with
 * its default, a broker that handed a request to a frozen controller waits 30 s before it asks the new one.
 * @param {KafkaNodePlan} plan
 * @param {KafkaNodePlan[]} all
 */
function serverProperties(plan, all) {
  const replicas = all.length;
  const inSync = Math.max(1, replicas - 1);
  const door = (/** @type {number | undefined} */ port) =>
    port === undefined ? '' : `,FRONT://127.0.0.1:${port}`;
  return `# Written at every start by ops/services.
process.roles=broker,controller
node.id=${plan.id}
controller.quorum.voters=${all.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(',')}
listeners=PLAINTEXT://127.0.0.1:${plan.port},CONTROLLER://127.0.0.1:${plan.controllerPort}${door(plan.front?.listen)}
advertised.listeners=PLAINTEXT://127.0.0.1:${plan.port}${door(plan.front?.advertised)}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FRONT:PLAINTEXT
log.dirs=${join(plan.folder, 'data')}
num.network.threads=2
num.io.threads=4
auto.create.topics.enable=false
unclean.leader.election.enable=false
default.replication.factor=${replicas}
min.insync.replicas=${inSync}
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=${replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${inSync}
share.coordinator.state.topic.num.partitions=2
share.coordinator.state.topic.replication.factor=${replicas}
share.coordinator.state.topic.min.isr=${inSync}
log.cleaner.dedupe.buffer.size=16777216
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
controller.socket.timeout.ms=3000
${Object.entries(plan.properties ?? {})
  .map(([name, value]) => `${name}=${value}\n`)
  .join('')}`; // of two lines with one name the last one counts
}
