import 'reflect-metadata';
import { AGGREGATES as STORE_AGGREGATES, ALERT_STATES as STORE_STATES } from '@fieldgate/telemetry-store';
import { expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { ALERT_STATES } from './operator/alerts.js';
import { AGGREGATES } from './operator/telemetry.js';
import { fieldgateProgram } from './program.js';

/** Every command that does something, with the words that are typed for it. */
function commandsOf(command: Command, words: readonly string[] = []): { words: string; command: Command }[] {
  const own = { words: words.join(' '), command };
  return [own].concat(command.commands.flatMap((each) => commandsOf(each, words.concat(each.name()))));
}

const commands = commandsOf(fieldgateProgram()).slice(1);

it('every command and option says what it is for, in the manner of all', () => {
  const texts = commands.flatMap(({ words, command }) =>
    [{ of: words, says: command.description() }].concat(
      command.options.map(({ flags, description }) => ({ of: `${words} ${flags}`, says: description })),
    ),
  );
  expect(texts.length).toBeGreaterThan(60);
  expect(texts.filter(({ says }) => !/^([a-z0-9]|API )/.test(says))).toEqual([]);
});

it('no option takes more than one value where an argument may follow', () => {
  const greedy = commands.filter(
    ({ command }) =>
      command.registeredArguments.length > 0 && command.options.some(({ variadic }) => variadic),
  );
  expect(greedy.map(({ words }) => words)).toEqual([]);
});

it('labels are written in one way', () => {
  const labels = commands.flatMap(({ command }) =>
    command.options.filter(({ long }) => long === '--label').map(({ flags }) => flags),
  );
  expect(new Set(labels)).toEqual(new Set(['--label <name=value>', '--label <name[=value]>']));
  expect(labels).toHaveLength(4);
});

it('knows the words that the API takes', () => {
  expect(ALERT_STATES).toEqual(STORE_STATES);
  expect(AGGREGATES).toEqual(STORE_AGGREGATES);
});
