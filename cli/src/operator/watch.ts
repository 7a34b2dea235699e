import type { Command } from 'commander';
import { asOperator, operatorCommand, type Operator } from './operator-command.js';
import { printable } from './table.js';
import { WatchedFleet, type StreamedEvent } from './watched-fleet.js';
import { followStream, type StreamFilter } from './watched-stream.js';

const REDRAW_MS = 1_000;

/** `fieldgate watch`: a live table in a terminal; into a pipe, a line per event. */
export function addWatchCommand(program: Command): void {
  operatorCommand(
    program,
    'watch',
    'watch devices live; Ctrl-C ends it. Without a terminal, or with --json: a line per event',
  )
    .option('--device <id...>', 'only these')
    .option('--label <name[:value]...>', 'only those with these labels')
    .action(function (this: Command, flags: StreamFilter) {
      return asOperator(this, (operator) => watch(operator, flags));
    });
}

async function watch(operator: Operator, flags: StreamFilter): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end); // whoever read the pipe has gone
  const fleet = new WatchedFleet();
  const isLive = process.stdout.isTTY === true && !operator.json;
  const redraw = isLive ? setInterval(() => draw(fleet), REDRAW_MS) : undefined;
  const take = isLive
    ? (event: StreamedEvent) => fleet.take(event)
    : (event: StreamedEvent) => printLine(event, operator.json);
  try {
    await followStream(operator.api, flags, stop.signal, take);
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

function printLine({ event, data }: StreamedEvent, json: boolean): void {
  process.stdout.write(json ? `${data}\n` : `${event}  ${printable(data)}\n`);
}
