import type { Duplex } from 'node:stream';
import type { Decoder, InboundPacket } from '../codec/decoder.js';
import type { ProtocolViolation } from '../codec/packet.js';

export interface IntakePort {
  /** Whether the next packet has to wait. Asked before each one. */
  mustWait(): boolean;
  take(packet: InboundPacket): void;
  violated(violation: ProtocolViolation): void;
  /** The stream is over, and everything that came before its end was taken. */
  ended(): void;
  /** A packet has come, or so much of one that the client is at work on it. */
  heard(): void;
}

/** Bytes of a packet that count as a sign of life; one byte a second does not keep a connection ([MQTT-3.1.2-22] asks for whole packets). */
const SIGN_OF_LIFE_BYTES = 1_000;
/** What node reads from a socket at once at most. Behind a chunk of this size there is more. */
const FULL_CHUNK_BYTES = 65_536;

/** Takes packets out of a stream, one after the other, and lets the stream wait when they must. */
export class Intake {
  private isReading = false;
  private isOver = false;
  /** The client has sent all that it will. */
  private isComplete = false;
  private givesWay = false;
  private unheardBytes = 0;

  constructor(
    private readonly stream: Duplex,
    private readonly decoder: Decoder,
    private readonly port: IntakePort,
  ) {
    stream.on('data', (chunk: Buffer) => {
      if (this.isOver) return;
      this.unheardBytes += chunk.length;
      this.decoder.write(chunk);
      this.read();
      if (this.unheardBytes >= SIGN_OF_LIFE_BYTES) this.heard();
      if (chunk.length >= FULL_CHUNK_BYTES) this.giveWay();
    });
    for (const event of ['end', 'close']) stream.on(event, () => this.complete());
  }

  /** Reads on what was behind the CONNECT; from now on packets may be so large. */
  letIn(maximumPacketSize: number): void {
    this.decoder.maximumPacketSize = maximumPacketSize;
    this.readOn();
  }

  /** To be called when what had to wait may have to no longer. */
  readOn(): void {
    if (!this.givesWay && (this.stream.isPaused() || this.isComplete) && !this.port.mustWait()) this.read();
  }

  /** What still comes is thrown away: a stream that is closed over unread bytes takes back what was said last. */
  stop(): void {
    this.isOver = true;
    this.stream.resume();
  }

  /** Who says all it has to say and leaves, DISCONNECT at the end, has said it: packets that must wait are not lost with their stream. */
  private complete(): void {
    if (this.isOver || this.isComplete) return;
    this.isComplete = true;
    if (this.decoder.hasUnread) this.readOn();
    else this.port.ended();
  }

  /** One turn for the others: a socket that is always full would be read many times before them. */
  private giveWay(): void {
    if (this.givesWay || this.isOver || this.stream.isPaused()) return;
    this.givesWay = true;
    this.stream.pause();
    setImmediate(() => {
      this.givesWay = false;
      this.readOn();
    });
  }

  private read(): void {
    if (this.isReading) return; // a handler has answered at once: the loop below goes on by itself
    this.isReading = true;
    let isHeard = false;
    while (!this.isOver && !this.port.mustWait()) {
      const packet = this.decoder.read();
      if (packet === undefined) break;
      isHeard = true;
      if ('violation' in packet) this.port.violated(packet);
      else this.port.take(packet);
    }
    this.isReading = false;
    if (this.isOver) return;
    if (isHeard) this.heard();
    if (this.port.mustWait()) this.stream.pause();
    else if (this.isComplete) this.port.ended();
    else if (this.stream.isPaused()) {
      this.heard(); // it was not silent, it was not listened to
      this.stream.resume();
    }
  }

  private heard(): void {
    this.unheardBytes = 0;
    this.port.heard();
  }
}
