export * from './alert-watch.js';
export * from './notification-settings.js';
