export * from './consumer-groups.js';
export * from './processors.module.js';
