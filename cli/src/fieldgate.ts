#!/usr/bin/env node
import 'reflect-metadata';
import { exitCodeOf } from './operator/operator-command.js';
import { fieldgateProgram } from './program.js';
import { explain } from './run-until-stopped.js';

try {
  await fieldgateProgram().parseAsync();
} catch (error) {
  explain(error);
  process.exit(exitCodeOf(error));
}
