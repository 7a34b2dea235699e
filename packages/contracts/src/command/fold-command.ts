import type {
  CommandAnswer,
  CommandBody,
  CommandStep,
  CommandStepKind,
  RequestedStep,
} from './command-step.js';

/** A command as the records of its steps, folded in the order of the log, make it. */
export interface Command {
  readonly id: string;
  readonly deviceId: string;
  readonly name: string;
  readonly params: unknown;
  readonly mode: RequestedStep['mode'];
  readonly state: CommandStepKind;
  readonly ttlMs: number;
  readonly timeoutMs: number;
  readonly requestedAt: number;
  readonly requestedBy: string;
  readonly bodyHash: string;
  readonly forConnection?: string;
  /** The newest attempt. */
  readonly attempt?: {
    readonly number: number;
    readonly gateway: string;
    readonly connection: string;
    readonly qos: number;
    readonly sentAt: number;
    readonly deliveredAt?: number;
  };
  readonly result?: { readonly status: number; readonly body: CommandBody };
  /**
   * Steps that counted, in order; at most `MAX_TIMELINE`, the oldest progress reports go first. A body larger than `MAX_TIMELINE_BODY`
   * stands only in the newest progress report: older ones lose it, and that of a final answer is in `result`.
   */
  readonly timeline: readonly TimelineEntry[];
  /** An answer that came after the final state. */
  readonly late?: { readonly at: number; readonly status: number; readonly body: CommandBody };
}

export interface TimelineEntry {
  readonly state: CommandStepKind;
  readonly at: number;
  readonly detail?: string;
  readonly status?: number;
  readonly body?: CommandBody;
}

export const MAX_TIMELINE = 64;
/** Bytes of a body as JSON. */
export const MAX_TIMELINE_BODY = 1_024;

const AFTER_SENT: readonly CommandStepKind[] = [
  'in-progress',
  'succeeded',
  'failed',
  'rejected',
  'timed-out',
  'sent',
  'cancelled',
];

/** Which step may follow which; what cannot follow is ignored, and so the first final step wins. */
export const MAY_FOLLOW: Readonly<Record<CommandStepKind | 'none', readonly CommandStepKind[]>> = {
  none: ['requested'],
  requested: ['sent', 'expired', 'undeliverable', 'cancelled'],
  sent: ['delivered', ...AFTER_SENT],
  delivered: AFTER_SENT,
  'in-progress': AFTER_SENT,
  succeeded: [],
  failed: [],
  rejected: [],
  'timed-out': [],
  expired: [],
  undeliverable: [],
  cancelled: [],
};

export function isFinal(state: CommandStepKind): boolean {
  return MAY_FOLLOW[state].length === 0;
}

/** The next state of a command; the very same object when the step changes nothing. */
export function foldCommand(command: Command | undefined, step: CommandStep): Command | undefined {
  if (command === undefined) return step.step === 'requested' ? requested(step) : undefined;
  if (step.commandId !== command.id || step.deviceId !== command.deviceId) return command;
  if (isFinal(command.state)) return isLate(command, step) ? { ...command, late: answerOf(step) } : command;
  if (!MAY_FOLLOW[command.state].includes(step.step)) return command;
  return advance(command, step);
}

/** When the gateway's or the device's time is up, epoch ms; undefined once final. */
export function deadlineOf(
  command: Command,
): { readonly kind: 'expired' | 'timed-out'; readonly at: number } | undefined {
  if (isFinal(command.state)) return undefined;
  if (!command.attempt) return { kind: 'expired', at: command.requestedAt + command.ttlMs };
  // with a QoS 0 subscription there is no PUBACK: the clock starts at `sent`
  return {
    kind: 'timed-out',
    at: (command.attempt.deliveredAt ?? command.attempt.sentAt) + command.timeoutMs,
  };
}

function requested(step: RequestedStep): Command {
  return {
    id: step.commandId,
    deviceId: step.deviceId,
    name: step.name,
    params: step.params,
    mode: step.mode,
    state: 'requested',
    ttlMs: step.ttlMs,
    timeoutMs: step.timeoutMs,
    requestedAt: step.at,
    requestedBy: step.requestedBy,
    bodyHash: step.bodyHash,
    ...(step.forConnection === undefined ? {} : { forConnection: step.forConnection }),
    timeline: [{ state: 'requested', at: step.at }],
  };
}

function advance(command: Command, step: CommandStep): Command {
  const next: Command = { ...command, state: step.step, timeline: extend(command.timeline, entryOf(step)) };
  switch (step.step) {
    case 'sent':
      // a copy, or a gateway that counted the same attempt: taken as new it would put the state back
      if (step.attempt <= (command.attempt?.number ?? 0)) return command;
      return {
        ...next,
        attempt: {
          number: step.attempt,
          gateway: step.gateway,
          connection: step.connection,
          qos: step.qos,
          sentAt: step.at,
        },
      };
    case 'delivered':
      // a PUBACK of an earlier attempt, or of another connection, says nothing about this one
      if (command.attempt?.number !== step.attempt || command.attempt.connection !== step.connection)
        return command;
      return { ...next, attempt: { ...command.attempt, deliveredAt: step.at } };
    case 'succeeded':
    case 'failed':
    case 'rejected':
      return { ...next, result: { status: step.status, body: step.body } };
    case 'requested':
    case 'in-progress':
    case 'timed-out':
    case 'expired':
    case 'undeliverable':
    case 'cancelled':
      return next;
  }
}

/** A final answer after the end, unless it is the one that ended the command: the device sends it again when its PUBACK was lost. */
function isLate(command: Command, step: CommandStep): step is CommandAnswer {
  if (!isAnswer(step) || step.step === 'in-progress' || command.late) return false;
  const { result } = command;
  return result?.status !== step.status || JSON.stringify(result.body) !== JSON.stringify(step.body); // a copy has the same bytes
}

function isAnswer(step: CommandStep): step is CommandAnswer {
  return 'status' in step;
}

function answerOf(step: CommandAnswer): { at: number; status: number; body: CommandBody } {
  return { at: step.at, status: step.status, body: step.body };
}

function entryOf(step: CommandStep): TimelineEntry {
  if (isAnswer(step)) {
    const entry = { state: step.step, ...answerOf(step) };
    return step.step === 'in-progress' ? entry : withoutLargeBody(entry);
  }
  return 'detail' in step
    ? { state: step.step, at: step.at, detail: step.detail }
    : { state: step.step, at: step.at };
}

function extend(timeline: readonly TimelineEntry[], entry: TimelineEntry): readonly TimelineEntry[] {
  const next = [...timeline];
  if (next.length >= MAX_TIMELINE) {
    const oldestProgress = next.findIndex(isProgress);
    next.splice(Math.max(oldestProgress, 1), 1);
  }
  const newestProgress = next.findLastIndex(isProgress);
  const newest = next[newestProgress];
  if (newest && isProgress(entry)) next[newestProgress] = withoutLargeBody(newest);
  next.push(entry);
  return next;
}

function isProgress({ state }: TimelineEntry): boolean {
  return state === 'in-progress';
}

function withoutLargeBody(entry: TimelineEntry): TimelineEntry {
  const { body, ...rest } = entry;
  return Buffer.byteLength(JSON.stringify(body ?? null)) > MAX_TIMELINE_BODY ? rest : entry;
}
