/** What a device knows of its messages, which are numbered from 0 in the order of publishing. */
export interface DeviceBooks {
  readonly id: string;
  readonly published: number;
  readonly acknowledged: ReadonlySet<number>;
  /** Refused by design: not to be stored, however they were answered. */
  readonly bad: ReadonlySet<number>;
  /** May be missing, or late: a copy was damaged on purpose. */
  readonly spoilt?: ReadonlySet<number>;
}

/** One record of a device in the log, in the order of the log. */
export interface LoggedMessage {
  readonly device: string;
  readonly gateway: string;
  readonly n: number;
}

/** A device and the numbers that something is wrong with. */
export interface Finding {
  readonly device: string;
  readonly numbers: readonly number[];
}

export interface Verdict {
  readonly published: number;
  readonly acknowledged: number;
  /** Different messages in the store. */
  readonly stored: number;
  /** Acknowledged, and not in the store. */
  readonly lost: readonly Finding[];
  /** In the log before a message that was published earlier. */
  readonly reordered: readonly Finding[];
  /** More than once in the store. */
  readonly storedTwice: readonly Finding[];
  /** In the store, and never published, or refused by design. */
  readonly invented: readonly Finding[];
  /** Records beyond the first of a message: allowed, counted. */
  readonly duplicatesInLog: number;
}

export interface Evidence {
  readonly books: readonly DeviceBooks[];
  readonly log: readonly LoggedMessage[];
  /** The number of every point, by device. */
  readonly stored: ReadonlyMap<string, readonly number[]>;
}

/**
 * published ⊇ stored ⊇ acknowledged; each stored once; first occurrences in the log in the order of publishing. `perGateway`: a device that
 * moved between gateways is only held to the order within each.
 */
export function judge({ books, log, stored }: Evidence, perGateway = false): Verdict {
  const storedOf = (id: string): readonly number[] => stored.get(id) ?? [];
  const find = (numbersOf: (device: DeviceBooks) => readonly number[]): Finding[] =>
    books
      .map((device) => ({ device: device.id, numbers: numbersOf(device) }))
      .filter(({ numbers }) => numbers.length > 0);
  return {
    published: total(books, ({ published }) => published),
    acknowledged: total(books, ({ acknowledged, bad }) => without(acknowledged, bad).length),
    stored: total(books, ({ id }) => new Set(storedOf(id)).size),
    lost: find(({ id, acknowledged, bad, spoilt }) => {
      const there = new Set(storedOf(id));
      return without(acknowledged, bad).filter((n) => !there.has(n) && spoilt?.has(n) !== true);
    }),
    reordered: reordered(log, spoiltOf(books), perGateway),
    storedTwice: find(({ id }) => repeated(storedOf(id))),
    invented: find(({ id, published, bad }) =>
      storedOf(id).filter((n) => !Number.isInteger(n) || n < 0 || n >= published || bad.has(n)),
    ),
    duplicatesInLog: log.length - new Set(log.map(({ device, n }) => `${device} ${n}`)).size,
  };
}

export function count(findings: readonly Finding[]): number {
  return total(findings, ({ numbers }) => numbers.length);
}

function spoiltOf(books: readonly DeviceBooks[]): Set<string> {
  return new Set(books.flatMap(({ id, spoilt = new Set() }) => [...spoilt].map((n) => `${id} ${n}`)));
}

/** Numbers that come for the first time after a larger one has. What was spoilt may have been sent again, behind its neighbours. */
function reordered(
  log: readonly LoggedMessage[],
  spoilt: ReadonlySet<string>,
  perGateway: boolean,
): Finding[] {
  const orders = new Map<string, { device: string; seen: Set<number>; newest: number; late: number[] }>();
  for (const { device, gateway, n } of log) {
    const key = perGateway ? `${device} ${gateway}` : device;
    const order = orders.get(key) ?? { device, seen: new Set(), newest: -1, late: [] };
    orders.set(key, order);
    if (order.seen.has(n) || spoilt.has(`${device} ${n}`)) continue;
    order.seen.add(n);
    if (n < order.newest) order.late.push(n);
    else order.newest = n;
  }
  return [...orders.values()]
    .filter(({ late }) => late.length > 0)
    .map(({ device, late }) => ({ device, numbers: late }));
}

function repeated(numbers: readonly number[]): number[] {
  const seen = new Set<number>();
  return numbers.filter((n) => seen.has(n) || !seen.add(n));
}

function without(numbers: ReadonlySet<number>, others: ReadonlySet<number>): number[] {
  return [...numbers].filter((n) => !others.has(n));
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
