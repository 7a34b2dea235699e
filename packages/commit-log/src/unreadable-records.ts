import { Counter } from 'prom-client';

export const unreadableRecords = new Counter({
  name: 'fieldgate_log_unreadable_records_total',
  help: 'Records that a table or a view could not read and has skipped: something else writes to the topic',
  labelNames: ['topic'],
});
