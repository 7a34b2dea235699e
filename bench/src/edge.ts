import { goalSection, idleGoals, speedGoals } from './edge/edge-goals.js';
import { measureSpeed } from './edge/edge-speed.js';
import { idleSection, speedSections } from './edge/edge-tables.js';
import { measureIdleConnections } from './edge/idle-connections.js';
import type { BenchOptions, Section } from './report.js';

/** The MQTT edge: alone beside the least that a process can do, as the gateway on each log beside Mosquitto, and what an idle connection costs. */
export async function benchEdge(options: BenchOptions): Promise<readonly Section[]> {
  const idle = await measureIdleConnections();
  const speeds = await measureSpeed(options.seconds, options.runs, options.server);
  return [
    goalSection([...speedGoals(speeds), ...idleGoals(idle)]),
    ...speedSections(speeds, options.runs),
    idleSection(idle),
  ];
}

/** The first half of it. */
export async function benchEdgeIdle(): Promise<readonly Section[]> {
  const idle = await measureIdleConnections();
  return [goalSection(idleGoals(idle)), idleSection(idle)];
}

/** The second half. */
export async function benchEdgeSpeed({ seconds, runs, server }: BenchOptions): Promise<readonly Section[]> {
  const speeds = await measureSpeed(seconds, runs, server);
  return [goalSection(speedGoals(speeds)), ...speedSections(speeds, runs)];
}
