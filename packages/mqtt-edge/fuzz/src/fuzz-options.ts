import { parseArgs } from 'node:util';

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** The one to show. */
  readonly input: number | undefined;
}

/** What the words of a command line ask for; a text is what is wrong with them. */
export function fuzzOptions(words: readonly string[]): FuzzOptions | 'help' | { readonly wrong: string } {
  const values = valuesOf(words);
  if (typeof values === 'string') return { wrong: values };
  if (values.help) return 'help';
  const { input } = values;
  for (const text of [values.inputs, values.seed, input ?? '0'])
    if (!/^[0-9]{1,9}$/.test(text)) return { wrong: `${text} is no whole number of up to nine digits` };
  return {
    inputs: Number(values.inputs),
    seed: Number(values.seed),
    input: input === undefined ? undefined : Number(input),
  };
}

function valuesOf(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        help: { type: 'boolean', default: false },
        inputs: { type: 'string', default: '1000000' },
        seed: { type: 'string', default: '1' },
        input: { type: 'string' },
      },
    }).values;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // what node throws is an Error, with a code
    if (code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    return message.split('\n', 1).join();
  }
}
