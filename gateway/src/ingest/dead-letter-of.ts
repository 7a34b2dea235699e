import { encodeDeadLetter, type Rejection } from '@fieldgate/contracts';
import type { NewRecord } from '@fieldgate/commit-log';
import type { DeviceSession } from '../sessions/device-session.js';
import type { InboundPublish } from './publish.js';

/** What of a refused message is kept: all of it, unless base64 would no longer fit into one record of the log. */
const KEPT_BYTES = 512 * 1024;
/** No media type is longer; a Content Type may have 65,535 bytes. */
const KEPT_CONTENT_TYPE = 256;

export function deadLetterOf(
  session: DeviceSession,
  publish: InboundPublish,
  rejection: Rejection,
  letter: {
    readonly id: string;
    readonly gatewayId: string;
    readonly atMs: number;
    readonly elements?: readonly number[] | undefined;
  },
): NewRecord {
  const { deviceId, connection } = session;
  const { elements, ...rest } = letter;
  const { contentType } = publish;
  const cut = publish.payload.length > KEPT_BYTES;
  return {
    topic: 'fieldgate.dead-letters.v1',
    key: deviceId,
    value: encodeDeadLetter({
      ...rest,
      deviceId,
      connection,
      code: rejection.code,
      detail: cut
        ? `${rejection.detail} (only the first ${KEPT_BYTES} of ${publish.payload.length} bytes are kept)`
        : rejection.detail,
      origin: {
        kind: 'mqtt',
        topic: publish.topic,
        qos: publish.qos,
        ...(contentType === undefined ? {} : { contentType: contentType.slice(0, KEPT_CONTENT_TYPE) }),
        ...(elements === undefined ? {} : { elements: [...elements] }),
      },
      payload: cut ? publish.payload.subarray(0, KEPT_BYTES) : publish.payload,
    }),
  };
}
