#!/usr/bin/env node
import 'reflect-metadata';
import { addSimCommand } from '@fieldgate/device-sim';
import { Command, Option } from 'commander';
import { runDemo } from './demo.js';
import { ROLES, type Role } from './roles.js';
import { explain, runUntilStopped } from './run-until-stopped.js';
import { announce } from './announce.js';
import { start } from './start.js';

const program = new Command('fieldgate')
  .description('An IoT telemetry gateway: acknowledged means durable.')
  .showHelpAfterError();

program
  .command('start')
  .description('Start all roles in this process, or some of them (then with Kafka)')
  .addOption(
    new Option(
      '--role <role...>',
      'which roles this process has; FIELDGATE_KAFKA_BROKERS must be set for less than all',
    ).choices(ROLES),
  )
  .action(async ({ role }: { role?: Role[] }) => {
    const startedAt = process.hrtime.bigint();
    const running = await start(role ?? ROLES, process.env);
    void running.ready().then(() => announce(running, startedAt));
    await runUntilStopped(running);
  });

program
  .command('demo')
  .description(
    'All roles in this process, with a simulated fleet that reports, raises conditions and answers commands',
  )
  .option('--devices <count>', 'how many devices', '20')
  .action(async ({ devices }: { devices: string }) => runDemo(devices, process.env));

addSimCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  explain(error);
  process.exit(1);
}
