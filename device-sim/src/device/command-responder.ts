import type { IClientPublishOptions, IPublishPacket } from 'mqtt';
import {
  answersTo,
  type CommandAnswer,
  type CommandRequest,
  type CommandTarget,
} from './command-behaviour.js';

/** Resolves when the gateway has acknowledged it. */
export type PublishAnswer = (topic: string, payload: string, options: IClientPublishOptions) => Promise<void>;

interface Conversation {
  readonly request: CommandRequest;
  readonly responseTopic: string | undefined;
  readonly correlationData: Buffer | undefined;
}

const MOST_AT_ONCE = 16;
const REMEMBERED = 256;

/** The device's side of a command: reads the request, answers it once, and says the same again when it is delivered again. */
export class CommandResponder {
  /** The last answer of each command, the oldest first: MQTT delivers at least once, a reboot should happen once. */
  private readonly answered = new Map<string, CommandAnswer | undefined>();
  private working = 0;
  answers = 0;

  constructor(
    private readonly deviceId: string,
    private readonly device: CommandTarget,
    private readonly publish: PublishAnswer,
  ) {}

  /** False when the topic is not one of a command. */
  async receive(
    topic: string,
    payload: Uint8Array,
    properties: IPublishPacket['properties'],
  ): Promise<boolean> {
    const request = parseRequest(this.deviceId, topic, payload);
    if (!request) return false;
    const { responseTopic, correlationData } = properties ?? {};
    await this.converse({ request, responseTopic, correlationData });
    return true;
  }

  private async converse(conversation: Conversation): Promise<void> {
    const { request } = conversation;
    if (this.answered.has(request.commandId)) {
      const last = this.answered.get(request.commandId);
      if (last) await this.say(conversation, last);
      return;
    }
    if (this.working >= MOST_AT_ONCE)
      return this.say(conversation, { status: 503, body: { error: 'busy with other commands' } });
    this.remember(request.commandId, undefined);
    this.working++;
    try {
      for await (const answer of answersTo(request, this.device)) {
        if (answer.status !== 102) this.remember(request.commandId, answer);
        await this.say(conversation, answer);
      }
    } finally {
      this.working--;
    }
  }

  private remember(commandId: string, answer: CommandAnswer | undefined): void {
    this.answered.set(commandId, answer);
    if (this.answered.size <= REMEMBERED) return;
    for (const oldest of this.answered.keys()) {
      this.answered.delete(oldest);
      return;
    }
  }

  /** MQTT 5: where and with what the request says (sections 3.3.2.3.5 and .6); 3.1.1: id and status in the topic. */
  private async say(
    { request, responseTopic, correlationData }: Conversation,
    answer: CommandAnswer,
  ): Promise<void> {
    const payload = JSON.stringify(answer.body);
    if (responseTopic === undefined) {
      const topic = `devices/${this.deviceId}/responses/${request.commandId}/${answer.status}`;
      await this.publish(topic, payload, { qos: 1 });
    } else {
      const properties = {
        contentType: 'application/json',
        userProperties: { status: String(answer.status) },
        ...(correlationData === undefined ? {} : { correlationData }),
      };
      await this.publish(responseTopic, payload, { qos: 1, properties });
    }
    this.answers++;
  }
}

/** `devices/{id}/commands/{commandId}/{name}`; a payload that is not JSON counts as text. */
function parseRequest(deviceId: string, topic: string, payload: Uint8Array): CommandRequest | undefined {
  const [root, device, family, commandId, name, more] = topic.split('/');
  if (
    root !== 'devices' ||
    device !== deviceId ||
    family !== 'commands' ||
    !commandId ||
    !name ||
    more !== undefined
  )
    return undefined;
  return { commandId, name, params: paramsOf(Buffer.from(payload).toString('utf8')) };
}

function paramsOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text; // a command with a plain text is a command like any other
  }
}
