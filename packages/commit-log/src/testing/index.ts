export * from './inbox.js';
export * from './log-contract.js';
export * from './memory-log.js';
