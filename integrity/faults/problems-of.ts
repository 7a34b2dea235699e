import type { Load } from './load.js';
import type { Finding, Verdict } from './oracle.js';

/** What of it breaks a promise, in sentences. */
export function problemsOf({ lost, reordered, storedTwice, invented }: Verdict, load: Load): string[] {
  const found = Object.entries({ lost, reordered, 'stored twice': storedTwice, invented })
    .filter(([, findings]) => findings.length > 0)
    .map(([what, findings]) => `${what}: ${findings.slice(0, 3).map(shown).join('; ')}`);
  const refusals = load.devices.flatMap(({ id, refused, bad }) =>
    [...refused].filter(([n]) => !bad.has(n)).map(([n, code]) => `${id} ${n} with 0x${code.toString(16)}`),
  );
  if (refusals.length === 0) return found;
  return found.concat(`refused ${refusals.length} good messages: ${refusals.slice(0, 3).join(', ')}`);
}

function shown({ device, numbers }: Finding): string {
  return `${device}: ${numbers.length} (${numbers.slice(0, 5).join(', ')}${numbers.length > 5 ? ', …' : ''})`;
}
