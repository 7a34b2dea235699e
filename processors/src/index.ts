export * from './consumer-groups.js';
export * from './processors.config.js';
export * from './processors.module.js';
