import { alertIdOf, encodeAlertStep, type Alert, type AlertStep } from '@fieldgate/contracts';
import { appended, type CommitLog, type LogPosition } from '@fieldgate/commit-log';

/** An alert of a test; what it does not care about is filled in. */
export function alertOf(more: Partial<Alert> = {}): Alert {
  const { deviceId = 'pump-7', rule = 'too-hot', raisedAt = 1_000 } = more;
  return {
    id: alertIdOf(deviceId, rule, raisedAt),
    deviceId,
    rule,
    kind: 'threshold',
    severity: 'critical',
    text: `${deviceId}: temperature is 85, limit 80`,
    metric: 'temperature',
    value: 85,
    limit: 80,
    since: raisedAt,
    raisedAt,
    receivedAt: raisedAt,
    ...more,
  };
}

export function raised(more: Partial<Alert> = {}): AlertStep {
  return { step: 'raised', alert: alertOf(more) };
}

export function escalated(more: Partial<Alert> = {}): AlertStep {
  const alert = alertOf(more);
  return { step: 'escalated', alert: { escalatedAt: alert.raisedAt + 100, ...alert } };
}

export function cleared(more: Partial<Alert> = {}): AlertStep {
  const alert = alertOf(more);
  return { step: 'cleared', alert: { clearedAt: alert.raisedAt + 500, clearReason: 'condition', ...alert } };
}

export function acknowledged(more: Partial<Alert> = {}): AlertStep {
  const alert = alertOf(more);
  return {
    step: 'acknowledged',
    alert,
    acknowledgement: { alertId: alert.id, at: alert.raisedAt, by: 'me' },
  };
}

export function writeAlert(log: CommitLog, step: AlertStep, atMs: number): Promise<LogPosition> {
  const { deviceId: key } = step.alert;
  return appended(log.writer, {
    topic: 'fieldgate.alerts.v1',
    key,
    partitionKey: key,
    value: encodeAlertStep(step, atMs),
  });
}
