import { Connection } from './connection.js';
import { PACKET, pubackPacket, publishPacket, type Credentials, type Version } from './packets.js';

/** Subscribed to its commands, and answers each at once with 200. */
export async function answeringDevice(
  port: number,
  device: Credentials,
  version: Version,
): Promise<Connection> {
  let answers = 0;
  const connection = await Connection.open({ port, device, version }, (header, bytes, body) => {
    if (header >> 4 !== PACKET.publish) return;
    const qos = (header >> 1) & 3;
    const topicEnd = body + 2 + bytes.readUInt16BE(body);
    const topic = bytes.toString('utf8', body + 2, topicEnd);
    const commandId = topic.split('/')[3] ?? '';
    answers = (answers % 60_000) + 1;
    const answer = {
      topic: `devices/${device.id}/responses/${commandId}/200`,
      packetId: answers,
      payload: Buffer.from('{"ok":true}'),
    };
    const acknowledgement = qos === 0 ? Buffer.alloc(0) : pubackPacket(bytes.readUInt16BE(topicEnd));
    connection.write(Buffer.concat([acknowledgement, publishPacket(answer, version)]));
  });
  await connection.subscribe(`devices/${device.id}/commands/#`);
  return connection;
}
