import { DEFAULT_LIMITS, type Limits } from './limits.js';

type Numeric = { [K in keyof Limits]: Limits[K] extends number ? K : never }[keyof Limits];

const TWO_BYTES = 0xffff;
const FOUR_BYTES = 0xffff_ffff;
/** The smallest CONNECT of MQTT 5, and the largest packet that a remaining length can say. */
const PACKET_BYTES = [15, 268_435_460] as const;
/** As the CONNACK has it, where it tells of one. */
const A_FEW = [1, TWO_BYTES] as const;
const SOME = [1, FOUR_BYTES] as const;

/** Whole numbers from the first to the last; beyond, a CONNACK could not say them, nobody would be served, or nothing would be bounded. */
export const LIMIT_RANGES: Readonly<Record<Numeric, readonly [least: number, most: number]>> = {
  maximumPacketSize: PACKET_BYTES,
  connectPacketSize: PACKET_BYTES,
  receiveMaximum: A_FEW,
  unreleasedMaximum: A_FEW,
  topicAliasMaximum: [0, TWO_BYTES],
  sessionExpiryMaximum: [0, FOUR_BYTES],
  keepAliveMaximum: [0, TWO_BYTES],
  sendMaximum: A_FEW,
  queueMaximum: SOME,
  queueMaximumBytes: SOME,
  connectTimeoutMs: SOME,
  drainTimeoutMs: SOME,
};

const NAMES = Object.keys(LIMIT_RANGES) as readonly Numeric[]; // its keys

/** A RangeError that names the limit which is none, and its range. To be called when a server starts; every connection and session does it too. */
export function checkLimits<L extends Limits>(limits: L): L {
  if (CHECKED.has(limits)) return limits;
  checkSome(limits, NAMES);
  CHECKED.add(limits);
  return limits;
}

export function checkSome(limits: Partial<Pick<Limits, Numeric>>, names: readonly Numeric[]): void {
  for (const name of names) {
    const { [name]: value } = limits;
    const [least, most] = LIMIT_RANGES[name];
    if (value === undefined || !Number.isInteger(value) || value < least || value > most)
      throw new RangeError(`${name} is ${value}: it must be a whole number from ${least} to ${most}`);
  }
}

/** One object is shared by all connections of a server, and not changed. */
const CHECKED = new WeakSet<Limits>([DEFAULT_LIMITS]);
