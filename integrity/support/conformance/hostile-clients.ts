import { ATTACKS_ON_ARRAYS } from './attacks-on-arrays.js';
import { ATTACKS_ON_MEMORY } from './attacks-on-memory.js';
import { ATTACKS_ON_NAMES } from './attacks-on-names.js';
import { ATTACKS_ON_PROPERTIES } from './attacks-on-properties.js';
import { ATTACKS_ON_TIME } from './attacks-on-time.js';
import { ATTACKS_OVER_WEBSOCKET } from './attacks-over-websocket.js';
import type { HostileCase } from './hostile-case.js';

/** Every attack that we know of. a to m are known ones on brokers of this kind; n are our own, w those over WebSocket. */
export const HOSTILE_CLIENTS: readonly HostileCase[] = [
  ...ATTACKS_ON_NAMES,
  ...ATTACKS_ON_PROPERTIES,
  ...ATTACKS_ON_MEMORY,
  ...ATTACKS_ON_ARRAYS,
  ...ATTACKS_ON_TIME,
  ...ATTACKS_OVER_WEBSOCKET,
];
