import type { Command, CommandBody, TimelineEntry } from '@fieldgate/contracts';

/** A command as the API shows it. Times in RFC 3339. */
export interface CommandAnswer {
  readonly id: string;
  readonly deviceId: string;
  readonly name: string;
  readonly params: unknown;
  readonly mode: Command['mode'];
  readonly state: Command['state'];
  readonly requestedAt: string;
  readonly ttlSeconds: number;
  readonly timeoutSeconds: number;
  readonly result?: { readonly status: number; readonly body?: unknown };
  /** What the device said after the final state. */
  readonly late?: { readonly at: string; readonly status: number; readonly body?: unknown };
  readonly timeline: readonly unknown[];
}

export function commandAnswer(command: Command): CommandAnswer {
  const { id, deviceId, name, params, mode, state, result, late } = command;
  return {
    id,
    deviceId,
    name,
    params,
    mode,
    state,
    requestedAt: new Date(command.requestedAt).toISOString(),
    ttlSeconds: command.ttlMs / 1000,
    timeoutSeconds: command.timeoutMs / 1000,
    ...(result === undefined ? {} : { result: { status: result.status, ...bodyAnswer(result.body) } }),
    ...(late === undefined
      ? {}
      : { late: { at: new Date(late.at).toISOString(), status: late.status, ...bodyAnswer(late.body) } }),
    timeline: command.timeline.map(entryAnswer),
  };
}

function entryAnswer({ state, at, detail, status, body }: TimelineEntry): unknown {
  return {
    state,
    at: new Date(at).toISOString(),
    ...(detail === undefined ? {} : { detail }),
    ...(status === undefined ? {} : { status }),
    ...(body === undefined ? {} : bodyAnswer(body)),
  };
}

/** JSON as it is, text as a string, other bytes as `{"base64": …}`; an answer without a body has none here. */
function bodyAnswer(body: CommandBody): { body?: unknown } {
  switch (body.encoding) {
    case 'none':
      return {};
    case 'json':
      return { body: body.json };
    case 'text':
      return { body: body.text };
    case 'base64':
      return { body: { base64: body.base64 } };
  }
}
