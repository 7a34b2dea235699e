#!/usr/bin/env node
import 'reflect-metadata';
import { fieldgateProgram } from './program.js';
import { explain } from './run-until-stopped.js';

try {
  await fieldgateProgram().parseAsync();
} catch (error) {
  explain(error);
  process.exit(1);
}
