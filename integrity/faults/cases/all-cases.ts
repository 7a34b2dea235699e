import type { FaultCase } from '../fault-case.js';
import { deviceCases } from './device-cases.js';
import { gatewayCases } from './gateway-cases.js';
import { kafkaCases } from './kafka-cases.js';
import { processorCases } from './processor-cases.js';
import { spoolCases } from './spool-cases.js';
import { spoolDamageCases } from './spool-damage-cases.js';
import { storeCases } from './store-cases.js';
import { storeRefusalCases } from './store-refusal-cases.js';
import { syncCases } from './sync-cases.js';
import { topicCases } from './topic-cases.js';

/** F1 to F19: gateway, Kafka and processors; F20 to F39: the store; F40 on: devices and disk. */
export const ALL_CASES: readonly FaultCase[] = [
  ...gatewayCases,
  ...kafkaCases,
  ...topicCases,
  ...processorCases,
  ...storeCases,
  ...storeRefusalCases,
  ...deviceCases,
  ...spoolCases,
  ...spoolDamageCases,
  ...syncCases,
].toSorted((a, b) => numberOf(a) - numberOf(b));

/** Of CI: together under four minutes. */
export const SHORT_SELECTION: readonly FaultCase['name'][] = ['F1', 'F3', 'F12', 'F14', 'F17'];

function numberOf({ name }: FaultCase): number {
  return Number(name.slice(1));
}
