export * from './back-off.js';
export * from './clock.js';
export * from './environment.js';
export * from './health/health.controller.js';
export * from './health/readiness.js';
export * from './logger.js';
export * from './service.module.js';
export * from './supervisor.js';
