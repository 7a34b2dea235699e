import type { Duplex } from 'node:stream';
import { Decoder, isViolation, PacketType, type EndReason, type Limits } from '@fieldgate/mqtt-edge';
import type { ConnectionLines } from './connection-lines.js';

/** Of the TLS record that a handshake begins with (RFC 8446, 5.1): its type, and the major version. */
const TLS_HANDSHAKE = Buffer.from('1603', 'hex');
const HTTP = /^(?:GET|POST|PUT|HEAD|OPTIONS|CONNECT|DELETE|PATCH|PRI) /;

/**
 * The first that a stranger sends, until it turns out to be a CONNECT that is handed over. Of all else the connection tells nobody: it is read
 * again here when it is over, for the operator, who has no other place to learn it from.
 */
export class UnheardConnect {
  private first: Buffer | undefined;

  /** To be made before the connection, which reads the same stream. */
  constructor(
    stream: Duplex,
    private readonly limits: Limits,
  ) {
    stream.once('data', (chunk: Buffer) => (this.first = chunk));
  }

  /** `why` is what the connection says; the gateway has not closed it. */
  report(why: EndReason, remoteAddress: string | undefined, lines: ConnectionLines): void {
    switch (why) {
      case 'protocol-error':
        return lines.neverConnected(remoteAddress, this.violation());
      case 'connect-timeout':
        return lines.neverConnected(
          remoteAddress,
          `no CONNECT within ${this.limits.connectTimeoutMs / 1_000} s`,
        );
      case 'closed':
        return this.refused(remoteAddress, lines);
      case 'disconnected':
      case 'lost':
      case 'keep-alive-timeout':
      case 'drain-timeout':
        return; // who came and went again: a load balancer that looks whether somebody listens
    }
  }

  private violation(): string {
    const { first } = this;
    if (first && HTTP.test(first.toString('latin1', 0, 8))) return 'HTTP, not MQTT';
    if (first?.subarray(0, TLS_HANDSHAKE.length).equals(TLS_HANDSHAKE))
      return 'TLS, not MQTT: this port is the one without TLS';
    const read = this.read();
    return read && isViolation(read) ? `${read.reason} [${read.clause}]` : 'a CONNECT that cannot be read';
  }

  /** It asked for the one thing that the connection itself does not let anybody in with: enhanced authentication (MQTT 5, 4.12). */
  private refused(remoteAddress: string | undefined, lines: ConnectionLines): void {
    const read = this.read();
    const connect = read && !isViolation(read) && read.type === PacketType.connect ? read : undefined;
    lines.connectRefused({ connect, remoteAddress, code: 'authentication-method' });
  }

  private read(): ReturnType<Decoder['read']> {
    const { connectPacketSize, maximumPacketSize } = this.limits;
    const decoder = new Decoder({
      role: 'server',
      maximumPacketSize: Math.min(connectPacketSize, maximumPacketSize),
    });
    if (this.first) decoder.write(this.first);
    return decoder.read();
  }
}
