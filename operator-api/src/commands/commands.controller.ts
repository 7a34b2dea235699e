import { isFinal, type Command } from '@fieldgate/contracts';
import { CommandsView } from '@fieldgate/commit-log';
import { Body, Delete, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { OperatorController } from '../operator-controller.js';
import { goneSignal } from '../http/gone-signal.js';
import { Describe } from '../http/route-description.js';
import { commandAnswer, type CommandAnswer } from './command-answer.js';
import { commandAnswerSchema, commandsAnswerSchema } from './command-answers.js';
import { idempotencyKey } from './command-identity.js';
import {
  commandsQuerySchema,
  newCommandSchema,
  type CommandsRequest,
  type NewCommand,
} from './command-requests.js';
import { CommandWaits } from './command-waits.js';
import { FindCommand } from './find-command.js';
import { preferredWait } from './prefer.js';
import { SendCommand } from './send-command.js';

@OperatorController()
export class CommandsController {
  constructor(
    private readonly sending: SendCommand,
    private readonly known: FindCommand,
    private readonly waits: CommandWaits,
    private readonly commands: CommandsView,
  ) {}

  /** 200 with the command once it is over, however it ended; 202 and where to look when nobody waited, or not long enough. */
  @Describe({
    summary: 'Command a device',
    body: newCommandSchema,
    headers: {
      'Idempotency-Key': {
        description: 'The same key with the same body is the same command',
        schema: z.string().min(1).max(256),
      },
      Prefer: {
        description: '`wait=10`: answer when the command is over, or after so many seconds',
        schema: z.string(),
      },
    },
    answers: {
      200: { description: 'The command, which is over, however it ended', schema: commandAnswerSchema },
      202: {
        description: 'The command, which is not over; `Location` is where to look',
        schema: commandAnswerSchema,
      },
    },
  })
  @Post('devices/:id/commands')
  async send(
    @Param('id') deviceId: string,
    @Body({ schema: newCommandSchema }) body: NewCommand,
    @Headers() headers: Record<string, string | undefined>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CommandAnswer> {
    const waitSeconds = preferredWait(headers['prefer']);
    if (waitSeconds > 0) this.waits.requireRoom();
    const requested = await this.sending.request(deviceId, body, idempotencyKey(headers['idempotency-key']));
    if (waitSeconds > 0) {
      await this.waits.untilFinal(requested, waitSeconds * 1000, goneSignal(reply));
      void reply.header('preference-applied', `wait=${waitSeconds}`);
    }
    const command = this.newest(requested);
    void reply.code(isFinal(command.state) ? 200 : 202).header('location', `/v1/commands/${command.id}`);
    return commandAnswer(command);
  }

  @Describe({
    summary: 'Commands, the newest requested first',
    query: commandsQuerySchema,
    answers: { 200: { description: 'The commands', schema: commandsAnswerSchema } },
  })
  @Get('commands')
  async list(
    @Query({ schema: commandsQuerySchema }) query: CommandsRequest,
  ): Promise<{ commands: readonly CommandAnswer[] }> {
    return { commands: (await this.known.list(query)).map(commandAnswer) };
  }

  @Describe({
    summary: 'One command',
    answers: { 200: { description: 'The command', schema: commandAnswerSchema } },
  })
  @Get('commands/:id')
  async one(@Param('id') id: string): Promise<CommandAnswer> {
    return commandAnswer(await this.known.get(id));
  }

  @Describe({
    summary: 'Cancel a command',
    description:
      'A device that has it already may carry it out all the same; its answer is then kept as `late`.',
    answers: { 200: { description: 'The command, cancelled', schema: commandAnswerSchema } },
  })
  @Delete('commands/:id')
  async cancel(@Param('id') id: string): Promise<CommandAnswer> {
    return commandAnswer(await this.sending.cancel(id));
  }

  private newest(command: Command): Command {
    return this.commands.get(command.id) ?? command;
  }
}
