export * from './admin-key.js';
export * from './http/http-adapter.js';
export * from './operator-api.config.js';
export * from './operator-api.module.js';
