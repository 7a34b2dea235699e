export * from './inbox.js';
export * from './log-contract.js';
