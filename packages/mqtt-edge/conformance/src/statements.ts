import { readFileSync } from 'node:fs';

/** One normative statement of MQTT 5, Appendix B. */
export interface Statement {
  /** As in the specification, without the brackets: `MQTT-3.1.2-22`. */
  readonly id: string;
  readonly concerns: 'server' | 'client' | 'both';
  /** In our words; the specification's stand in the specification. */
  readonly says: string;
  /** Where it is obeyed, from the root of the repository. Empty, like the next two, where nothing is written down yet; absent for clients. */
  readonly file?: string;
  /** What shows it: `path/to.spec.ts › name of the test`, and where that is a table `› its row`. Several where each shows a part. */
  readonly test?: string | readonly string[];
  /** Why there is no file and test. */
  readonly why?: string;
}

export interface NamedTest {
  readonly spec: string;
  readonly name: string;
  /** Of a test that is made of a table. */
  readonly row?: string;
}

export function readStatements(): readonly Statement[] {
  return JSON.parse(
    readFileSync(new URL('../statements.json', import.meta.url), 'utf8'),
  ) as readonly Statement[]; // our own file, checked by its spec
}

/** Concerns a server, and has neither a file with a test nor a reason. */
export function isOpen({ concerns, file = '', test, why = '' }: Statement): boolean {
  return concerns !== 'client' && why === '' && (file === '' || testsOf({ test }).length === 0);
}

/** What shows it, one after another. */
export function testsOf({ test = '' }: Pick<Statement, 'test'>): readonly string[] {
  if (typeof test !== 'string') return test;
  return test === '' ? [] : [test];
}

/** Undefined when the text does not have the form `path/to.spec.ts › name of the test`, or the same with a row. */
export function namedTest(test: string): NamedTest | undefined {
  const [spec, name, row, ...more] = test.split(' › ');
  if (!spec?.endsWith('.spec.ts') || !name || more.length > 0) return undefined;
  return row === undefined ? { spec, name } : { spec, name, row };
}
