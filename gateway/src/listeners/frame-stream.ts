import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';

/** CLOSE code of RFC 6455, 7.4.1: a text frame ([MQTT-6.0.0-1] wants binary ones). */
const UNSUPPORTED_DATA = 1003;

/** Bytes of a frame, which is in memory as a whole before any of it is read. */
export interface FrameLimits {
  readonly maximumFrameBytes: number;
  /** Until the server has said something: the first thing that it says is the CONNACK. */
  readonly connectFrameBytes: number;
}

/** The payloads of binary frames, one behind the other. Any other data frame ends it like a frame that breaks RFC 6455, and nothing of it is read. */
export function frameStream(
  socket: WebSocket,
  limits: FrameLimits,
  refused?: (reason: string) => void,
): Duplex {
  let isRefused = false;
  // a bad frame is an error of the socket and of its stream, also after both were given up; without a listener it would end the process
  socket.on('error', ({ message }) => {
    if (!isRefused) refused?.(message);
    isRefused = true;
  });
  const stream = createWebSocketStream(socket);
  limitUntilAnswered(socket, stream, limits);
  stream.on('error', () => undefined);
  socket.removeAllListeners('message'); // that of the stream takes text for bytes
  socket.on('message', (data: Buffer, isBinary) => {
    if (stream.destroyed) return;
    if (!isBinary) return refuseText(socket);
    if (!stream.push(data)) socket.pause();
  });
  return stream;
}

/** In the order of `ws` itself: its stream is destroyed by the error, and leaves the socket the time to say why. */
function refuseText(socket: WebSocket): void {
  socket.close(UNSUPPORTED_DATA, 'MQTT is binary');
  socket.emit('error', new Error('a text frame: MQTT comes in binary ones [MQTT-6.0.0-1]'));
}

/** Neither `ws` nor its stream has a word for this: the limit is a member of its receiver, read with every frame. */
function limitUntilAnswered(socket: WebSocket, stream: Duplex, limits: FrameLimits): void {
  const receiver = receiverOf(socket);
  if (!receiver) return; // the limit of all frames, which `ws` was made with, holds from the beginning
  const { maximumFrameBytes, connectFrameBytes } = limits;
  receiver._maxPayload = Math.min(connectFrameBytes, maximumFrameBytes);
  const write = stream._write.bind(stream);
  stream._write = (chunk, encoding, done) => {
    receiver._maxPayload = maximumFrameBytes;
    stream._write = write;
    write(chunk, encoding, done);
  };
}

/** Of ws 8; undefined where a later one calls it something else. */
function receiverOf(socket: WebSocket): { _maxPayload: number } | undefined {
  const { _receiver: receiver } = socket as { _receiver?: { _maxPayload?: unknown } }; // private: asked for before it is used
  return typeof receiver?._maxPayload === 'number' ? (receiver as { _maxPayload: number }) : undefined;
}
