import { isUtf8 } from 'node:buffer';
import {
  answerStep,
  encodeCommandStep,
  jsonFault,
  reject,
  type Command,
  type CommandBody,
  type CommandStep,
  type Rejection,
} from '@fieldgate/contracts';
import type { Clock } from '@fieldgate/service';
import { commandStepsTotal } from '../gateway.metrics.js';
import type { InboundPublish } from '../ingest/publish.js';
import type { DeviceSession } from '../sessions/device-session.js';

const MAX_BODY_BYTES = 65_536;

/** A device's answer to a command becomes a step of it. It counts only from the device addressed. */
export class AcceptResponse {
  private answers = 0;

  constructor(
    private readonly boot: string,
    private readonly commands: { get(commandId: string): Command | undefined },
    private readonly clock: Clock,
  ) {}

  /** The value of the record. */
  stepOf(
    session: DeviceSession,
    publish: InboundPublish,
    topic: { readonly commandId: string; readonly status?: number },
  ): Uint8Array | Rejection {
    const { commandId } = topic;
    const command = this.commands.get(commandId);
    if (!command) return reject('response-unknown-command');
    if (command.deviceId !== session.deviceId) return reject('response-wrong-device');
    if (
      publish.correlationData !== undefined &&
      Buffer.from(publish.correlationData).toString('latin1') !== commandId
    ) {
      return reject('response-shape', 'the correlation data is not the one of the request');
    }
    const status = topic.status ?? statusOf(publish.status);
    const step = status === undefined ? undefined : answerStep(status);
    if (status === undefined || step === undefined)
      return reject('response-shape', 'the status must be 102, 2xx, 4xx or 5xx');
    if (publish.payload.length > MAX_BODY_BYTES)
      return reject('response-shape', `the answer is larger than ${MAX_BODY_BYTES} bytes`);

    const answer: CommandStep = {
      step,
      commandId,
      deviceId: session.deviceId,
      at: this.clock.now(),
      status,
      body: bodyOf(publish.payload),
    };
    commandStepsTotal.inc({ step });
    this.answers += 1;
    return encodeCommandStep(answer, `${commandId}-${step}-${this.boot}-${this.answers.toString(36)}`);
  }
}

/** MQTT 5: the user property `status`; without one the answer is a plain success. */
function statusOf(property: string | undefined): number | undefined {
  if (property === undefined) return 200;
  return /^[1-5][0-9]{2}$/.test(property) ? Number(property) : undefined;
}

function bodyOf(payload: Uint8Array): CommandBody {
  if (payload.length === 0) return { encoding: 'none' };
  const bytes = Buffer.from(payload);
  if (!isUtf8(bytes)) return { encoding: 'base64', base64: bytes.toString('base64') };
  const text = bytes.toString('utf8');
  const json = jsonOf(text);
  return json === undefined || jsonFault(json) ? { encoding: 'text', text } : { encoding: 'json', json };
}

/** Undefined: it is none, and need not be. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
