import { MAX_WILL_BYTES } from '@fieldgate/contracts';

/** Names, secret, and user properties; far more than devices send. */
const REST_BYTES = 16_384;

/** A CONNECT may be so large: strangers send it, and it is in memory before anybody is known. */
export const CONNECT_PACKET_BYTES = REST_BYTES + MAX_WILL_BYTES;
