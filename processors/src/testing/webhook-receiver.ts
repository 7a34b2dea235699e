import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP, type CloudEvent } from 'cloudevents';

export interface ReceivedCall {
  readonly event: CloudEvent<unknown>;
  readonly headers: IncomingMessage['headers'];
  readonly isSigned: boolean;
}

/** How a receiver answers its nth call, beginning with 0. */
export type Answers = (call: number, response: ServerResponse) => void;

export const accept: Answers = (_, response) => void response.writeHead(204).end();
export const hang: Answers = () => undefined;
export const answer =
  (status: number, headers: Record<string, string> = {}): Answers =>
  (_, response) =>
    void response.writeHead(status, headers).end('what nobody reads');

/** What somebody would write who receives our calls: real HTTP, events as the `cloudevents` package reads them, signatures checked. */
export class WebhookReceiver {
  readonly calls: ReceivedCall[] = [];
  answers: Answers = accept;
  private readonly server: Server;

  private constructor(private readonly secret: string) {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.take(request, Buffer.concat(chunks));
        this.answers(this.calls.length - 1, response);
      });
    });
  }

  static async open(secret: string): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(secret);
    receiver.server.unref(); // a test that fails must not keep the process
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port; // it listens on TCP
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  get ids(): string[] {
    return this.calls.map(({ event }) => event.id);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take({ headers }: IncomingMessage, body: Buffer): void {
    const event = HTTP.toEvent({ headers, body: body.toString() }) as CloudEvent<unknown>; // one, not a batch
    const signed = [headers['webhook-id'], headers['webhook-timestamp'], body.toString()].join('.');
    const expected = createHmac('sha256', this.secret).update(signed).digest('base64');
    this.calls.push({ event, headers, isSigned: headers['webhook-signature'] === `v1,${expected}` });
  }
}
