import type { Duplex } from 'node:stream';

/** Takes a stream that has just been opened; the address is that of the device, for the log. */
export type Accept = (stream: Duplex, remoteAddress: string | undefined) => void;
