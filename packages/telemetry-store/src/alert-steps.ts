import {
  alertIdOf,
  RULE_NAME,
  SEVERITIES,
  type Acknowledgement,
  type Alert,
  type AlertStep,
} from '@fieldgate/contracts';
import type { AlertState, StoredAlert } from './telemetry-store.js';

/**
 * What is kept of one alert: each of its steps for itself. So their order does not matter, and one that comes again can only replace itself;
 * of two that differ the one written last counts.
 */
export interface AlertSteps {
  readonly raised?: Alert;
  readonly escalated?: Alert;
  readonly cleared?: Alert;
  readonly acknowledged?: { readonly alert: Alert; readonly acknowledgement: Acknowledgement };
}

export function withStep(steps: AlertSteps, step: AlertStep): AlertSteps {
  switch (step.step) {
    case 'raised':
      return { ...steps, raised: step.alert };
    case 'escalated':
      return { ...steps, escalated: step.alert };
    case 'cleared':
      return { ...steps, cleared: step.alert };
    case 'acknowledged':
      return {
        ...steps,
        acknowledged: { alert: step.alert, acknowledgement: step.acknowledgement },
      };
  }
}

/**
 * What its steps say together: the alert as it was when it was cleared, else acknowledged, else raised; or as it was when it escalated, where
 * that came after it. Undefined without any.
 */
export function alertOf({ raised, escalated, cleared, acknowledged }: AlertSteps): StoredAlert | undefined {
  const alert = cleared ?? worse(acknowledged?.alert ?? raised, escalated);
  if (!alert || !acknowledged) return alert;
  const { at, by, note } = acknowledged.acknowledgement;
  return { ...alert, acknowledgement: { at, by, ...(note === undefined ? {} : { note }) } };
}

function worse(alert: Alert | undefined, escalated: Alert | undefined): Alert | undefined {
  if (!alert || !escalated) return alert ?? escalated;
  return SEVERITIES.indexOf(escalated.severity) > SEVERITIES.indexOf(alert.severity) ? escalated : alert;
}

export function alertStateOf({ clearedAt, acknowledgement }: StoredAlert): AlertState {
  if (clearedAt !== undefined) return 'cleared';
  return acknowledgement === undefined ? 'open' : 'acknowledged';
}

/** What an id is made of; undefined for one that is none. */
export function alertPlaceOf(
  id: string,
): { readonly deviceId: string; readonly rule: string; readonly raisedAt: number } | undefined {
  const [, deviceId, rule, raisedAt] = /^([^~]{1,64})~([^~]{1,80})~(\d{1,15})$/.exec(id) ?? [];
  if (deviceId === undefined || rule === undefined || raisedAt === undefined) return undefined;
  const place = { deviceId, rule, raisedAt: Number(raisedAt) };
  return alertIdOf(deviceId, rule, place.raisedAt) === id ? place : undefined;
}

/** `event.` and the type of a device's condition, or the name of a rule. */
export function isAlertRule(rule: string): boolean {
  return RULE_NAME.test(rule) || CONDITION_RULE.test(rule);
}

const CONDITION_RULE = /^event\.[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
