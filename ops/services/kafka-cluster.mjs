import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureKafkaLibs } from './kafka-libs.mjs';
import { format, formattedFor, nodeProcess, writeConfig } from './kafka-node.mjs';
import { brokerFault, outOfSync } from './kafka-ready.mjs';
import { forgetFolder, watchFolder } from './lifeline.mjs';
import { freePorts, refuseBusyPorts } from './ports.mjs';
import { ServiceError } from './service-error.mjs';
import { step, until } from './steps.mjs';

export { ensureKafkaLibs };

const READY_MS = 60_000;

/**
 * Starts a real Kafka of one or three combined nodes (broker and controller) on 127.0.0.1 and returns when every node
 * knows all brokers and an active controller. Three nodes: replication factor 3, min ISR 2, no unclean election.
 * The contract and the types of all members stand in kafka-cluster.d.mts.
 * @param {import('./kafka-cluster.mjs').KafkaClusterOptions} [options]
 * @returns {Promise<import('./kafka-cluster.mjs').KafkaCluster>}
 */
export async function startKafkaCluster({
  nodes = 1,
  dataDir,
  ports,
  fronts = [],
  heapMb,
  properties = {},
  keepRunning = false,
  report = () => {},
} = {}) {
  const javaCommand = await ensureKafkaLibs({ report });
  const folder = dataDir === undefined ? temporaryFolder() : resolve(dataDir);
  const plans = planNodes(folder, ports ?? (await choosePorts(nodes)), { fronts, properties });
  const options = { heapMb: heapMb ?? (plans.length === 1 ? 512 : 384), keepRunning };
  const members = plans.map((plan) => new KafkaNode(plan, nodeProcess(plan, javaCommand, options)));
  const cluster = new KafkaCluster(members, dataDir === undefined ? folder : undefined);
  try {
    for (const { process } of members) process.refuseSecond();
    await refusePorts(plans);
    await formatNew(plans, javaCommand, report);
    const ready = `kafka: ready on ${cluster.bootstrap.join(',')}`;
    await step(report, ready, () => cluster.startAll());
    return cluster;
  } catch (error) {
    await cluster.killAll(); // only what was started here: a refused port or folder belongs to others
    throw error;
  }
}

/** One broker and controller of a cluster. */
class KafkaNode {
  /** @type {KafkaCluster | undefined} */
  cluster;
  #plan;

  /**
   * @param {import('./kafka-node.mjs').KafkaNodePlan} plan
   * @param {import('./service-process.mjs').ServiceProcess} process
   */
  constructor(plan, process) {
    this.#plan = plan;
    this.process = process;
  }

  get id() {
    return this.#plan.id;
  }

  get port() {
    return this.#plan.port;
  }

  get pid() {
    return this.process.pid;
  }

  kill() {
    return this.process.kill();
  }

  stop() {
    return this.process.stop();
  }

  async start() {
    if (!this.process.running) {
      await refusePorts([this.#plan]);
      this.process.start();
    }
    await this.cluster?.untilReady();
    if (!this.process.running)
      throw new ServiceError(`kafka node ${this.id}: ended while it was being started`);
  }

  freeze() {
    this.process.freeze();
  }

  thaw() {
    this.process.thaw();
  }
}

class KafkaCluster {
  /**
   * @param {KafkaNode[]} nodes
   * @param {string | undefined} ownFolder deleted by `stop`
   */
  constructor(nodes, ownFolder) {
    this.nodes = nodes;
    this.ownFolder = ownFolder;
    for (const node of nodes) node.cluster = this;
  }

  get bootstrap() {
    return this.nodes.map(({ port }) => `127.0.0.1:${port}`);
  }

  async startAll() {
    for (const { process } of this.nodes) process.start();
    await this.untilReady();
  }

  async untilReady() {
    await until(() => this.#firstFault((node, alive) => brokerFault(node, alive)), {
      fault: 'kafka: the cluster is not ready',
      timeoutMs: READY_MS,
    });
  }

  async untilInSync() {
    await until(() => this.#firstFault(({ port }) => outOfSync(port)), {
      fault: 'kafka: replicas are not in sync',
      timeoutMs: READY_MS,
    });
  }

  async stop() {
    if (this.ownFolder !== undefined) return this.killAll(); // the data goes too: nothing to write out
    for (const { process } of this.nodes) {
      const running = this.nodes.filter((node) => node.process.running && !node.process.frozen);
      // A node takes its leave from the controller: without a majority there is none, and it would wait in vain.
      if (running.length > this.nodes.length / 2) await process.stop();
      else await process.kill();
    }
  }

  async killAll() {
    await Promise.all(this.nodes.map((node) => node.kill()));
    if (this.ownFolder === undefined) return;
    rmSync(this.ownFolder, { recursive: true, force: true }); // only now: a live broker without its folder misleads clients for minutes
    forgetFolder(this.ownFolder);
  }

  /**
   * Asks every node that can answer. A node that ended by itself is an error, one that was ended on purpose is not asked.
   * @param {(node: KafkaNode, alive: KafkaNode[]) => Promise<string | undefined>} ask
   */
  async #firstFault(ask) {
    const crashed = this.nodes.find(({ process }) => process.crashed);
    if (crashed) throw crashed.process.ended();
    const alive = this.nodes.filter(({ process }) => process.running && !process.frozen);
    if (alive.length === 0) return 'no node runs';
    const answers = await Promise.all(
      alive.map((node) => ask(node, alive).catch((error) => `node ${node.id}: ${error.message}`)),
    );
    return answers.find((answer) => answer !== undefined);
  }
}

/**
 * @param {string} folder
 * @param {readonly { broker: number, controller: number }[]} ports
 * @param {Required<Pick<import('./kafka-cluster.mjs').KafkaClusterOptions, 'fronts' | 'properties'>>} settings
 */
function planNodes(folder, ports, { fronts, properties }) {
  return ports.map(({ broker, controller }, index) => {
    return {
      id: index + 1,
      folder: join(folder, `node-${index + 1}`),
      port: broker,
      controllerPort: controller,
      front: fronts[index],
      properties,
    };
  });
}

/** @param {number} nodes */
async function choosePorts(nodes) {
  const free = await freePorts(2 * nodes);
  return Array.from({ length: nodes }, (_, index) => ({
    broker: free[2 * index],
    controller: free[2 * index + 1],
  }));
}

/** @param {import('./kafka-node.mjs').KafkaNodePlan[]} plans */
async function refusePorts(plans) {
  await refuseBusyPorts(
    'kafka',
    plans.flatMap(({ port, controllerPort, front }) => [port, controllerPort, front?.listen ?? []].flat()),
  );
}

/**
 * @param {import('./kafka-node.mjs').KafkaNodePlan[]} plans
 * @param {import('./kafka-node.mjs').JavaCommand} javaCommand
 * @param {import('./steps.mjs').Report} report
 */
async function formatNew(plans, javaCommand, report) {
  for (const plan of plans) writeConfig(plan, plans);
  const fresh = plans.filter((plan) => formattedFor(plan) === undefined);
  if (fresh.length === 0) return;
  const clusterId = plans.map(formattedFor).find((id) => id !== undefined) ?? newClusterId();
  await step(report, 'kafka: data folder formatted', () =>
    Promise.all(fresh.map((plan) => format(plan, clusterId, javaCommand))),
  );
}

/** 22 characters, as Kafka's own; not with a dash in front, which the tool would take for an option. */
function newClusterId() {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A');
}

function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-kafka-'));
  watchFolder(folder);
  return folder;
}
