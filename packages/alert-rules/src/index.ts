export * from './alert-watch.js';
export * from './notification-settings.js';
export * from './rule.js';
export * from './rules-file.js';
