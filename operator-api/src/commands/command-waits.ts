import { CommandsView } from '@fieldgate/commit-log';
import { isFinal, type Command } from '@fieldgate/contracts';
import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Problem } from '../http/problem.js';

const waitingRequests = new Gauge({
  name: 'fieldgate_http_command_waits',
  help: 'HTTP requests that wait for the final state of a command',
});

/** Each holds a connection and a timer, and nothing else. */
const MAX_WAITS = 2_000;

type Wake = () => void;

/** Requests that wait for a command to be over. They are woken by its step in the log; nobody polls. */
@Injectable()
export class CommandWaits implements OnModuleInit, BeforeApplicationShutdown {
  private readonly waiting = new Map<string, Set<Wake>>();
  private count = 0;
  private stopping = false;

  constructor(private readonly commands: CommandsView) {}

  onModuleInit(): void {
    this.commands.changes((command) => {
      if (isFinal(command.state)) this.wake(command.id);
    });
  }

  /** Nobody is kept waiting by a stop: their commands go on, and they are told where to look. */
  beforeApplicationShutdown(): void {
    this.stopping = true;
    for (const id of this.waiting.keys()) this.wake(id);
  }

  /** To be asked before the command is appended: refused at the limit, and then nothing has happened. */
  requireRoom(): void {
    if (this.count >= MAX_WAITS)
      throw new Problem('too-many-requests', `${MAX_WAITS} requests wait for commands already`);
  }

  /** Until the command is over, the time is up, the caller has gone, the process stops; or at once, when others have taken the room. */
  async untilFinal(command: Command, waitMs: number, gone: AbortSignal): Promise<void> {
    if (this.stopping || this.count >= MAX_WAITS || gone.aborted || this.isOver(command)) return;
    await new Promise<void>((resolve) => {
      const wakes = this.waiting.get(command.id) ?? new Set();
      const done = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', done);
        wakes.delete(done);
        if (wakes.size === 0) this.waiting.delete(command.id);
        waitingRequests.set(--this.count);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      gone.addEventListener('abort', done, { once: true });
      this.waiting.set(command.id, wakes.add(done));
      waitingRequests.set(++this.count);
    });
  }

  private isOver(command: Command): boolean {
    return isFinal((this.commands.get(command.id) ?? command).state);
  }

  private wake(commandId: string): void {
    // each takes itself out of the set, which iterating over a set allows
    for (const wake of this.waiting.get(commandId) ?? []) wake();
  }
}
