import { expect } from '@jest/globals';
import { FieldgateProcess } from './fieldgate-process.js';

/** A start that fails as it should: exit code 1, one line on standard error that holds all of `says`, and nothing else that looks like an error. Resolves with that line. */
export async function expectRefusedStart(
  environment: Record<string, string>,
  says: readonly string[],
  roles: readonly string[] = [],
): Promise<string> {
  const fieldgate = FieldgateProcess.launch(environment, roles);
  const { code } = await fieldgate.ended;
  const { stderr } = fieldgate;
  const others = fieldgate.lines.all.filter((line) => line !== stderr && /"level":(50|60)/.test(line));
  expect({ code, lines: stderr.split('\n').length, others }).toEqual({ code: 1, lines: 1, others: [] });
  expect(stderr).toMatch(/^fieldgate: .+ \[[a-z-]+\] .+/);
  for (const words of says) expect(stderr).toContain(words);
  return stderr;
}
