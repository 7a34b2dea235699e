import { Module } from '@nestjs/common';
import { CommandDeadlinesController } from './command-deadlines.controller.js';

@Module({ controllers: [CommandDeadlinesController] })
export class CommandDeadlinesModule {}
