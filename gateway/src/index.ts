export * from './gateway.config.js';
export * from './gateway.js';
export * from './gateway.module.js';
