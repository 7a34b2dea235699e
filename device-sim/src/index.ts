export {
  isGood,
  reportText,
  type DeliveryCounts,
  type DeliveryReport,
  type Verdict,
} from './delivery/delivery-report.js';
export type { FleetCounts } from './fleet.js';
export { ProgressLine, type SimulationUi } from './progress.js';
export { runSimulation } from './run-simulation.js';
export { addSimCommand, type CommandLine } from './sim-command.js';
export { simulationOptionsFrom, type SimulationFlags, type SimulationOptions } from './simulation-options.js';
