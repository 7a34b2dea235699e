export * from './commit-log.js';
export * from './log-reader.js';
export * from './log-record.js';
export * from './log-table.js';
export * from './log-writer.js';
