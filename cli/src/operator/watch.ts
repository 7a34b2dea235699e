import type { Command } from 'commander';
import { asOperator, operatorCommand, type Operator } from './operator-command.js';
import { each, labelFilterOf } from './option-values.js';
import { printable } from './table.js';
import { WatchedFleet, type StreamedEvent } from './watched-fleet.js';
import { followStream, type StreamFilter, type StreamListener } from './watched-stream.js';

const REDRAW_MS = 1_000;

/** `fieldgate watch`: a live table in a terminal; into a pipe, a line per event. */
export function addWatchCommand(program: Command): void {
  operatorCommand(
    program,
    'watch',
    'watch devices live; Ctrl-C ends it. Without a terminal, or with --json: a line per event',
  )
    .option('--device <id>', 'only this one; may be given several times', each(String))
    .option('--label <name[=value]>', 'only those with it; may be given several times', each(labelFilterOf))
    .action(function (this: Command, flags: StreamFilter) {
      return asOperator(this, (operator) => watch(operator, flags));
    });
}

async function watch(operator: Operator, flags: StreamFilter): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end); // whoever read the pipe has gone
  const fleet = new WatchedFleet(Date.now);
  const isLive = process.stdout.isTTY === true && !operator.json;
  const redraw = isLive ? setInterval(() => draw(fleet), REDRAW_MS) : undefined;
  const listener = isLive ? fleet : linePrinter(operator.json);
  try {
    await followStream({ api: operator.api, filter: flags }, stop.signal, listener);
  } finally {
    clearInterval(redraw);
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

function draw(fleet: WatchedFleet): void {
  const { rows, columns } = process.stdout;
  const lines = fleet.lines(rows - 1).map((line) => line.slice(0, columns));
  process.stdout.write(`\u001b[H\u001b[2J${lines.join('\n')}\n`);
}

/** Events to standard output; what happens to the connection to standard error. */
function linePrinter(json: boolean): StreamListener {
  let wasLost = false;
  return {
    take: ({ event, data }: StreamedEvent) =>
      void process.stdout.write(json ? `${data}\n` : `${event}  ${printable(data)}\n`),
    connected: () => {
      if (wasLost) process.stderr.write('fieldgate: connected again\n');
      wasLost = false;
    },
    lost: (reason) => {
      wasLost = true;
      process.stderr.write(`fieldgate: not connected, trying again: ${reason}\n`);
    },
  };
}
