import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Of this package, which is that of all of Fieldgate. Read once, when the module is loaded. */
export const API_VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;
