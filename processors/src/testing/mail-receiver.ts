import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export const MAIL_USER = 'fieldgate';
export const MAIL_PASSWORD = 'a-password-of-a-test';

/** A real SMTP server that keeps what it takes, and takes only what comes with the right password. */
export class MailReceiver {
  /** As they came: headers and body. */
  readonly mails: string[] = [];
  connections = 0;
  private readonly server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    this.server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      logger: false,
      onConnect: (_session, done) => {
        this.connections += 1;
        done();
      },
      onAuth: ({ username, password }, _session, done) =>
        username === MAIL_USER && password === MAIL_PASSWORD
          ? done(null, { user: username })
          : done(new Error('wrong password')),
      onData: (stream, _session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.mails.push(Buffer.concat(chunks).toString());
          done();
        });
      },
      ...options,
    });
    this.server.on('error', () => undefined); // connections that we broke off
  }

  static async open(options: SMTPServerOptions = {}): Promise<MailReceiver> {
    const receiver = new MailReceiver(options);
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server.server, 'listening');
    return receiver;
  }

  urlWith(password = MAIL_PASSWORD): string {
    const { port } = this.server.server.address() as AddressInfo; // it listens on TCP
    return `smtp://${MAIL_USER}:${password}@127.0.0.1:${port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

/** As the server answers with a status of its own. */
export function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
