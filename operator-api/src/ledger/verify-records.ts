import type { CommandsView, LogRecord } from '@fieldgate/commit-log';
import {
  decodeAlertStep,
  decodeCommandStep,
  decodeEvent,
  decodeTelemetry,
  isFinal,
  isRejection,
  type AlertStep,
  type Command,
  type CommandStep,
} from '@fieldgate/contracts';
import type { MissingRecord, SaidRecord, TelemetryStore } from '@fieldgate/telemetry-store';

/** Everything that the storage group stores. */
export const VERIFIED_TOPICS = [
  'fieldgate.telemetry.v1',
  'fieldgate.events.v1',
  'fieldgate.commands.v1',
  'fieldgate.alerts.v1',
] as const;
export type VerifiedTopic = (typeof VERIFIED_TOPICS)[number];

/** Steps are parts of what is stored: a command, an alert. */
type StepRecord =
  | { readonly kind: 'command'; readonly record: CommandStep }
  | { readonly kind: 'alert'; readonly record: AlertStep };
export type VerifiedRecord = SaidRecord | StepRecord;

/** What of a record has to be in the store; undefined for what is not one of ours: storage refuses it. */
export function verifiedRecord({ topic, value }: LogRecord): VerifiedRecord | 'not stored' | undefined {
  if (topic === 'fieldgate.commands.v1') return commandStep(value);
  if (!value) return undefined;
  if (topic !== 'fieldgate.alerts.v1') return saidIn(topic, value);
  const decoded = decodeAlertStep(value);
  return isRejection(decoded) ? undefined : { kind: 'alert', record: decoded.step };
}

/** A command is stored when it has ended. */
function commandStep(value: LogRecord['value']): VerifiedRecord | 'not stored' | undefined {
  if (!value) return 'not stored';
  const record = decodeCommandStep(value);
  if (isRejection(record)) return undefined;
  return isFinal(record.step) ? { kind: 'command', record } : 'not stored';
}

function saidIn(topic: LogRecord['topic'], value: Uint8Array): SaidRecord | undefined {
  if (topic === 'fieldgate.events.v1') {
    const record = decodeEvent(value);
    return isRejection(record) ? undefined : { kind: 'event', record };
  }
  const record = decodeTelemetry(value);
  return isRejection(record) ? undefined : { kind: 'telemetry', record };
}

export function isSaid(entry: VerifiedRecord): entry is SaidRecord {
  return entry.kind === 'telemetry' || entry.kind === 'event';
}

/** What a person looks for it by. */
export function identityOf(entry: VerifiedRecord): {
  readonly deviceId: string;
  readonly id: string;
  readonly timeMs: number;
  readonly receivedMs?: number;
} {
  switch (entry.kind) {
    case 'telemetry':
    case 'event': {
      const { deviceId, id, timeMs, receivedMs } = entry.record;
      return { deviceId, id, timeMs, receivedMs };
    }
    case 'command': {
      const { deviceId, commandId, at } = entry.record;
      return { deviceId, id: commandId, timeMs: at };
    }
    case 'alert': {
      const { deviceId, id, raisedAt } = entry.record.alert;
      return { deviceId, id, timeMs: raisedAt };
    }
  }
}

/** Commands and alerts that are asked for side by side: they are few. */
const AT_ONCE = 8;

export interface VerifiedAgainst {
  readonly store: TelemetryStore;
  /** Which of the steps have counted. */
  readonly commands: CommandsView;
}

/** Of records of one topic: which of them the store does not hold whole. */
export async function missingIn(
  against: VerifiedAgainst,
  batch: readonly VerifiedRecord[],
): Promise<readonly MissingRecord[]> {
  const said = batch.filter(isSaid);
  if (said.length === batch.length) return against.store.missing(said);
  const missing: MissingRecord[] = [];
  for (let from = 0; from < batch.length; from += AT_ONCE) {
    const held = await Promise.all(batch.slice(from, from + AT_ONCE).map((entry) => isHeld(against, entry)));
    held.forEach((isThere, at) => {
      if (!isThere) missing.push({ index: from + at, metrics: [] });
    });
  }
  return missing;
}

/** False: a step that came when it could not follow any more. It is some other one with which its command ends, and is stored. */
export function hasCounted({ commands }: VerifiedAgainst, entry: VerifiedRecord): boolean {
  const command = entry.kind === 'command' ? commands.get(entry.record.commandId) : undefined;
  if (entry.kind !== 'command' || command === undefined) return true; // as far as anybody knows
  if (!isFinal(command.state)) return false;
  return 'status' in entry.record ? hasAnswer(command) : command.state === entry.record.step;
}

async function isHeld(against: VerifiedAgainst, entry: VerifiedRecord): Promise<boolean> {
  const { store } = against;
  switch (entry.kind) {
    case 'telemetry':
    case 'event':
      return (await store.missing([entry])).length === 0;
    case 'command': {
      const command = await store.command(entry.record.commandId);
      if (!command || !('status' in entry.record)) return command !== undefined;
      return hasAnswer(command) || !hasCounted(against, entry); // the device was told that its answer is kept
    }
    case 'alert': {
      const alert = await store.alert(entry.record.alert.id);
      if (entry.record.step === 'cleared') return alert?.clearedAt !== undefined;
      if (entry.record.step === 'acknowledged') return alert?.acknowledgement !== undefined;
      return alert !== undefined;
    }
  }
}

function hasAnswer({ result, late }: Command): boolean {
  return result !== undefined || late !== undefined;
}
