/** A request as it came over MQTT; `params` is whatever JSON it held. */
export interface CommandRequest {
  readonly commandId: string;
  readonly name: string;
  readonly params: unknown;
}

/** 102 = still working, 2xx = done, 4xx = refused, 5xx = failed. */
export interface CommandAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What a command can do to a device. */
export interface CommandTarget {
  readonly intervalMs: number;
  setInterval(ms: number): void;
  config(): Readonly<Record<string, unknown>>;
  /** Loses its connection and comes back. */
  reboot(): void;
  /** Resolves early, with false, when the device is switched off. */
  pause(ms: number): Promise<boolean>;
  now(): number;
}

export const COMMAND_NAMES = [
  'fail',
  'never',
  'ping',
  'read-config',
  'reboot',
  'refuse',
  'set-interval',
  'slow',
] as const;

export const SHORTEST_INTERVAL_MS = 10;
export const LONGEST_INTERVAL_MS = 3_600_000;
const LONGEST_WORK_MS = 300_000;
const MOST_STEPS = 50;

/** The answers in order; each is delivered before the next one is asked for. */
export async function* answersTo(
  request: CommandRequest,
  device: CommandTarget,
): AsyncGenerator<CommandAnswer> {
  switch (request.name) {
    case 'ping':
      yield { status: 200, body: { pong: true, at: device.now() } };
      return;
    case 'read-config':
      yield { status: 200, body: device.config() };
      return;
    case 'set-interval':
      yield setInterval(request.params, device);
      return;
    case 'slow':
      yield* workSlowly(request.params, device);
      return;
    case 'reboot':
      yield { status: 102, body: { progress: 0, doing: 'saving state' } };
      if (!(await device.pause(300))) return;
      yield { status: 102, body: { progress: 50, doing: 'stopping' } };
      if (!(await device.pause(300))) return;
      yield { status: 200, body: { rebooting: true } };
      device.reboot(); // only now: the answer has been acknowledged
      return;
    case 'fail':
      yield { status: 500, body: { error: 'simulated failure' } };
      return;
    case 'refuse':
      yield { status: 400, body: { error: 'simulated refusal' } };
      return;
    case 'never':
      return;
    default:
      yield { status: 404, body: { error: 'this device has no such command', known: COMMAND_NAMES } };
  }
}

/** `{"intervalMs": 500}`, or `{"seconds": 5}`. */
function setInterval(params: unknown, device: CommandTarget): CommandAnswer {
  const seconds = numberOf(params, 'seconds');
  const wanted = numberOf(params, 'intervalMs') ?? (seconds === undefined ? undefined : seconds * 1000);
  if (wanted === undefined || wanted < SHORTEST_INTERVAL_MS || wanted > LONGEST_INTERVAL_MS) {
    const error = `send intervalMs from ${SHORTEST_INTERVAL_MS} to ${LONGEST_INTERVAL_MS}, or seconds`;
    return { status: 400, body: { error, intervalMs: device.intervalMs } };
  }
  const before = device.intervalMs;
  device.setInterval(wanted);
  return { status: 200, body: { intervalMs: wanted, before } };
}

/** `{"seconds": 5, "steps": 5}`: progress in equal steps, then done. */
async function* workSlowly(params: unknown, device: CommandTarget): AsyncGenerator<CommandAnswer> {
  const workMs = clamp((numberOf(params, 'seconds') ?? 5) * 1000, 0, LONGEST_WORK_MS);
  const steps = Math.round(clamp(numberOf(params, 'steps') ?? 5, 1, MOST_STEPS));
  for (let step = 1; step < steps; step++) {
    if (!(await device.pause(workMs / steps))) return;
    yield { status: 102, body: { progress: Math.round((100 * step) / steps) } };
  }
  if (!(await device.pause(workMs / steps))) return;
  yield { status: 200, body: { progress: 100, workedMs: workMs } };
}

function numberOf(params: unknown, name: string): number | undefined {
  if (typeof params !== 'object' || params === null || !Object.hasOwn(params, name)) return undefined;
  const value: unknown = Reflect.get(params, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
