import 'reflect-metadata';
import type { Command } from 'commander';
import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fieldgateProgram } from './program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['docs', 'examples', 'ops'];

const program = fieldgateProgram();

it('every command in the documents exists, with the options that it is given', () => {
  const files = readdirSync(ROOT).concat(
    FOLDERS.flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    ),
  );
  const documents = files.filter((file) => file.endsWith('.md') && !file.includes('node_modules'));
  const found = documents.flatMap((file) =>
    invocationsIn(readFileSync(join(ROOT, file), 'utf8')).map((typed) => ({ file, typed })),
  );
  expect(found.length).toBeGreaterThan(20);
  const faults: string[] = [];
  for (const { file, typed } of found)
    faults.push(...faultsOf(typed).map((fault) => `${file}: fieldgate ${typed.join(' ')}: ${fault}`));
  expect(faults).toEqual([]);
});

it('every command of the table in docs/command-line.md exists', () => {
  const text = readFileSync(join(ROOT, 'docs/command-line.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z].*?)` +\|/gm)].map(([, cell = '']) => cell.split(' '));
  expect(new Set(rows.map(([name]) => name))).toEqual(
    new Set(program.commands.map((command) => command.name())),
  );
  for (const [name = '', ...words] of rows)
    for (const subcommand of words
      .filter((word) => word.includes('\\|'))
      .flatMap((word) => word.split('\\|')))
      expect(faultsOf([name, subcommand])).toEqual([]);
});

it('notices what does not exist', () => {
  expect(
    invocationsIn(
      'run `npx fieldgate alerts` and\n```sh\nX=$(npx fieldgate devices add a --tpye=b | cat) # fieldgate c\n```\n',
    ),
  ).toEqual([['alerts'], ['devices', 'add', 'a', '--tpye=b']]);
  expect(faultsOf(['alerts'])).toEqual(['needs a subcommand']);
  expect(faultsOf(['alerts', 'lists'])).toEqual(['there is no lists']);
  expect(faultsOf(['devices', 'add', 'a', '--tpye=b'])).toEqual(['there is no --tpye']);
});

/** The words behind `fieldgate`, in inline code that begins with it, and wherever `npx fieldgate` stands in a block. */
function invocationsIn(text: string): string[][] {
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, block = '']) => block);
  const spans = text.replaceAll(/^```\w*\n.*?^```/gms, '').matchAll(/`(?:npx )?fieldgate ([^`]+)`/g);
  const inBlocks = blocks.join('\n').matchAll(/npx fieldgate ([^\n]+)/g);
  return [...spans, ...inBlocks].map(
    ([, typed = '']) =>
      typed
        .split(/[|)#;&]/)[0]
        ?.trim()
        .split(/\s+/) ?? [],
  );
}

function faultsOf(typed: readonly string[]): string[] {
  let command: Command = program;
  for (const word of typed) {
    if (command.commands.length === 0 || word.startsWith('-')) break;
    const found = command.commands.find((each) => each.name() === word);
    if (!found) return [`there is no ${word}`];
    command = found;
  }
  if (command.commands.length > 0 && !typed.includes('--help')) return ['needs a subcommand'];
  const options = new Set<string | null | undefined>(command.options.map(({ long }) => long)).add('--help');
  return typed
    .filter((word) => word.startsWith('--'))
    .map((word) => word.split('=')[0])
    .filter((option) => !options.has(option))
    .map((option) => `there is no ${option}`);
}
