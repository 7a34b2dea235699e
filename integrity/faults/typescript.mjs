import { register } from 'node:module';

// node --import ./integrity/faults/typescript.mjs file.ts
// Runs the bench from its sources, as jest does: it shares them with the specs, and lies in no workspace that is built.
register('./typescript-hooks.mjs', import.meta.url);
