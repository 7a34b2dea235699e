export * from './alert-watch.js';
export * from './believed-arrival.js';
export * from './rules/notification-settings.js';
export * from './rules/rule.js';
export * from './rules/rules-file.js';
export * from './rules/rules-of-row.js';
