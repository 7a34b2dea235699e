import { execFile } from 'node:child_process';
import { cp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Program } from '../program.js';
import { temporaryFolder } from '../temporary-folder.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const EXAMPLE = join(ROOT, 'examples', 'processor');

/** A line of it and what it says; both streams, as it logs to the first. */
export interface ExampleProcess {
  readonly program: Program;
  /** Health and metrics; it consumes from about then on. */
  readonly http: string;
}

/** A copy of examples/processor, built by its own settings; what it imports is found as it would be inside of the repository. */
export class ExampleCopy {
  private constructor(
    private readonly folder: Awaited<ReturnType<typeof temporaryFolder>>,
    private readonly command: readonly string[],
  ) {}

  static async build(): Promise<ExampleCopy> {
    const folder = await temporaryFolder();
    for (const name of ['src', 'package.json', 'tsconfig.json'])
      await cp(join(EXAMPLE, name), join(folder.path, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', folder.path]);
    const { scripts } = JSON.parse(await readFile(join(EXAMPLE, 'package.json'), 'utf8')) as {
      scripts: { start: string };
    }; // ours, and compiled with the rest
    const [node, ...args] = scripts.start.split(' ');
    if (node !== 'node') throw new Error(`the example starts by "${scripts.start}"`);
    return new ExampleCopy(
      folder,
      args.map((arg) => (arg.startsWith('dist/') ? join(folder.path, arg) : arg)),
    );
  }

  /** Started and listening; the process is node itself, so that a signal reaches it. */
  async start(environment: Record<string, string>): Promise<ExampleProcess> {
    const program = new Program(process.execPath, this.command, {
      FIELDGATE_LOG_FORMAT: 'json',
      ...environment,
    });
    const line = await program.line(/"msg":"http listening"/);
    return { program, http: String((JSON.parse(line) as { http: unknown }).http) };
  }

  remove(): Promise<void> {
    return this.folder.remove();
  }
}
