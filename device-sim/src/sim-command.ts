import { isGood, reportText } from './delivery/delivery-report.js';
import { ProgressLine } from './progress.js';
import { runSimulation } from './run-simulation.js';
import { PROTOCOLS, simulationOptionsFrom, type SimulationFlags } from './simulation-options.js';

/** The part of commander's `Command` that is used here: the command line belongs to the cli. */
export interface CommandLine {
  command(name: string): CommandLine;
  description(text: string): CommandLine;
  option(flags: string, description: string): CommandLine;
  action(run: (flags: SimFlags) => Promise<void>): CommandLine;
}

type SimFlags = SimulationFlags & { readonly json?: boolean };

/** `fieldgate sim`: exit code 1 when anything acknowledged is missing or stored twice. An error of the run itself is the caller's to print. */
export function addSimCommand(program: CommandLine): void {
  program
    .command('sim')
    .description('run a fleet of simulated devices, and check what became of every message they sent')
    .option('--devices <count>', 'how many devices (default: 100)')
    .option('--rate <number>', 'messages per second and device (default: 1)')
    .option('--duration <seconds>', '0 = until Ctrl-C (default: 0)')
    .option('--mqtt <url>', 'where devices connect (default: mqtt://127.0.0.1:1883)')
    .option('--http <url>', 'the operator API (default: http://127.0.0.1:8080)')
    .option('--admin-key <key>', 'API key (default: FIELDGATE_ADMIN_KEY)')
    .option('--protocol <version>', `${PROTOCOLS.join(' | ')} (default: mixed)`)
    .option('--seed <number>', 'the same seed gives the same signals (default: 1)')
    .option('--prefix <text>', 'beginning of the device ids (default: sim-)')
    .option('--window <count>', 'unacknowledged messages per device at most (default: 20)')
    .option('--connects-per-second <count>', 'how fast the fleet arrives (default: 100)')
    .option(
      '--settle <seconds>',
      'how long the store may stand still before what is missing counts as lost (default: 30)',
    )
    .option('--json', 'print the report as JSON')
    .action(runSimCommand);
}

async function runSimCommand({ json, ...flags }: SimFlags): Promise<void> {
  const options = simulationOptionsFrom(flags, process.env);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt); // once: a second Ctrl-C ends the process at once
  try {
    // the report goes to standard output, where a program may read it; all else to standard error
    const report = await runSimulation(options, new ProgressLine(process.stderr), interrupted.signal);
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${reportText(report)}\n`);
    if (!isGood(report)) process.exitCode = 1;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
