import type { FaultCase } from '../fault-case.js';
import { gatewayCases } from './gateway-cases.js';

/** F1 to F19: gateway, Kafka and processors; F20 to F39: the store; F40 on: devices and disk. */
export const ALL_CASES: readonly FaultCase[] = [...gatewayCases];

/** Of CI: together under four minutes. */
export const SHORT_SELECTION: readonly FaultCase['name'][] = ['F1'];
