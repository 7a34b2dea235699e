import { parseArgs } from 'node:util';
import { LAB_LIMITS } from './lab-limits.js';

export const LAB_USAGE = `npm run lab-broker -- [options]
  --host <address>            127.0.0.1 (default), ::1 or localhost: it lets everybody in
  --port <port>               18830; 0 takes any that is free
  --max-keep-alive <seconds>  what a client is told that asks for more, or for none; 0 (default): what it asks for`;

export interface LabOptions {
  readonly host: string;
  readonly port: number;
  readonly keepAliveMaximum: number;
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** What the words of a command line ask for; a text is what is wrong with them. */
export function labOptions(words: readonly string[]): LabOptions | 'help' | { readonly wrong: string } {
  const values = valuesOf(words);
  if (typeof values === 'string') return { wrong: values };
  if (values.help) return 'help';
  const { host } = values;
  if (!LOOPBACK.includes(host))
    return { wrong: `the lab broker lets everybody in: it listens on ${LOOPBACK.join(', ')} alone` };
  const port = wholeNumber(values.port);
  if (port === undefined) return { wrong: '--port takes a whole number from 0 to 65535' };
  const keepAliveMaximum = wholeNumber(values['max-keep-alive']);
  if (keepAliveMaximum === undefined)
    return { wrong: '--max-keep-alive takes a whole number from 0 to 65535' };
  return { host, port, keepAliveMaximum };
}

function valuesOf(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        help: { type: 'boolean', default: false },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '18830' },
        'max-keep-alive': { type: 'string', default: String(LAB_LIMITS.keepAliveMaximum) },
      },
    }).values;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // what node throws is an Error, with a code
    if (code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    return message.split('\n', 1).join();
  }
}

function wholeNumber(text: string): number | undefined {
  const number = Number(text);
  return /^[0-9]+$/.test(text) && number <= 65_535 ? number : undefined;
}
