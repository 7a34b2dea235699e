import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';

/** CLOSE code of RFC 6455, 7.4.1: a text frame ([MQTT-6.0.0-1] wants binary ones). */
const UNSUPPORTED_DATA = 1003;

/** The payloads of binary frames, one behind the other. Any other data frame ends it like a frame that breaks RFC 6455, and nothing of it is read. */
export function frameStream(socket: WebSocket): Duplex {
  // a bad frame is an error of the socket and of its stream, also after both were given up; without a listener it would end the process
  socket.on('error', () => undefined);
  const stream = createWebSocketStream(socket);
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
  socket.emit('error', new Error('a text frame [MQTT-6.0.0-1]'));
}
