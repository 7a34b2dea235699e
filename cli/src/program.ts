import { FieldgateError } from '@fieldgate/contracts';
import { addSimCommand, simulationOptionsFrom } from '@fieldgate/device-sim';
import { Command, Option } from 'commander';
import { ROLES, type Role } from './roles.js';
import { runUntilStopped } from './run-until-stopped.js';
import { announce } from './announce.js';
import { addAlertsCommands } from './operator/alerts.js';
import { addCommandCommand } from './operator/command.js';
import { addDeadLettersCommands } from './operator/dead-letters.js';
import { addDevicesCommands } from './operator/devices.js';
import { addLedgerCommands } from './operator/ledger.js';
import { EXIT } from './operator/operator-command.js';
import { countUpTo } from './operator/option-values.js';
import { addRulesCommands } from './operator/rules.js';
import { addTelemetryCommand } from './operator/telemetry.js';
import { addWatchCommand } from './operator/watch.js';
import { VERSION } from './version.js';

/** Of `sim` too. */
const MOST_SIMULATED = 100_000;

const HELP = `
Against a running Fieldgate (--http, default http://127.0.0.1:8080), with its key in FIELDGATE_ADMIN_KEY:
  fieldgate devices add pump-7 --type pump --label site=berlin
  fieldgate telemetry pump-7 --from 2026-11-20T00:00:00Z --every 1h --aggregate max
  fieldgate command pump-7 read-config
  fieldgate rules test rules.yaml --from 2026-11-20T00:00:00Z
  fieldgate alerts list --state open --json
  fieldgate watch

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not reachable or not ready (try again).`;

/** The command line, not yet given any words. What runs Fieldgate is loaded when it is asked for: to ask a running one takes half the time without it. */
export function fieldgateProgram(): Command {
  const program = new Command('fieldgate')
    .description('An IoT telemetry gateway: acknowledged means durable.')
    .version(VERSION, '--version', 'print the version')
    .showHelpAfterError('(--help of this command says what there is)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT.usage)) // before the commands: they inherit it
    .addHelpText('after', HELP)
    .hook('preAction', (_program, command) => checkSimulation(command));

  program
    .command('start')
    .description('start all roles in this process, or some of them (then with Kafka)')
    .addOption(
      new Option(
        '--role <role...>',
        'which roles this process has; FIELDGATE_KAFKA_BROKERS must be set for less than all',
      ).choices(ROLES),
    )
    .action(async ({ role }: { role?: Role[] }) => {
      const { start } = await import('./start.js');
      const startedAt = process.hrtime.bigint();
      const running = await start(role ?? ROLES, process.env);
      const announced = running.ready().then(() => announce(running, startedAt));
      await runUntilStopped(running, {
        failed: new Promise((resolve) => void announced.catch(resolve)),
        stop: async () => undefined,
      });
    });

  program
    .command('demo')
    .description(
      'start all roles in this process, with a simulated fleet that reports, raises conditions and answers commands',
    )
    .option('--devices <count>', `how many devices, up to ${MOST_SIMULATED}`, countUpTo(MOST_SIMULATED), 20)
    .action(async ({ devices }: { devices: number }) => {
      const { runDemo } = await import('./demo.js');
      return runDemo(devices, process.env);
    });

  addSimCommand(program);
  addDevicesCommands(program);
  addTelemetryCommand(program);
  addCommandCommand(program);
  addAlertsCommands(program);
  addDeadLettersCommands(program);
  addLedgerCommands(program);
  addRulesCommands(program);
  addWatchCommand(program);
  return program;
}

/** What is wrong with the options of `sim` shows before it begins, as with any other command. */
function checkSimulation(command: Command): void {
  if (command.name() !== 'sim') return;
  try {
    simulationOptionsFrom(command.opts(), process.env);
  } catch (error) {
    if (!(error instanceof FieldgateError)) throw error;
    command.error(`error: ${error.message}`);
  }
}
