export * from './alert-watch.js';
