// Started by lifeline.mjs. Standard input: "add <json>" and "remove <json>", one a line. At its end: clear up what is left.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { endProcess } from './own-process.mjs';

const watched = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, subject] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
  if (verb === 'add') watched.add(subject);
  else watched.delete(subject);
}
const left = [...watched].map((subject) => JSON.parse(subject));
await Promise.all(left.filter(({ kind }) => kind === 'process').map((own) => endProcess(own, 0)));
for (const { path } of left.filter(({ kind }) => kind === 'folder'))
  rmSync(path, { recursive: true, force: true });
