/** What a proxy does to what passes through it, until it is told otherwise. */
export type ProxyFault =
  | { readonly kind: 'none' }
  /** Each way. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Each way, of each connection. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Nothing is read; connections stay, new ones come into being, and all go on where they were. */
  | { readonly kind: 'freeze' }
  /** Everything is taken and nothing passed on. Connections that lost something are reset at its end. */
  | { readonly kind: 'black hole' }
  /** The port is closed, and so are the connections. */
  | { readonly kind: 'refuse' }
  /** A request passes; when its answer comes, the connection is cut instead. */
  | { readonly kind: 'lose answers' };

export const NO_FAULT: ProxyFault = { kind: 'none' };
