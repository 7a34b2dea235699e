import { Counter, Gauge } from 'prom-client';

export const notificationsTotal = new Counter({
  name: 'fieldgate_notifications_total',
  help: 'Steps of alerts that a sink is done with, by what became of them',
  labelNames: ['sink', 'outcome'],
});
export const notificationRetriesTotal = new Counter({
  name: 'fieldgate_notification_retries_total',
  help: 'Tries to send a notification that did not succeed and are made again',
  labelNames: ['sink'],
});
export const invalidSinks = new Gauge({
  name: 'fieldgate_notification_sinks_invalid',
  help: 'Sinks of the rules in force that cannot be used as they are configured',
});

export type NotificationOutcome = 'delivered' | 'skipped' | 'too-old' | 'quiet' | 'refused' | 'given-up';
