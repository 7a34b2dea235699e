import { isIP } from 'node:net';
import { reject, type Rejection } from '@fieldgate/contracts';
import ipaddr from 'ipaddr.js';

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name; throws when there are none. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

/**
 * The addresses that a webhook may connect to, and it must connect to these very ones: asked again, a name server could say something else.
 * One private address among them is enough to refuse the host. `hostname` is that of a URL, which writes every form of an IPv4 address as four numbers.
 */
export async function addressesOf(
  hostname: string,
  { allowPrivate, resolve }: { readonly allowPrivate: boolean; readonly resolve: Resolve },
): Promise<readonly Address[] | Rejection> {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(literal);
  const addresses = family === 0 ? await resolve(hostname) : [{ address: literal, family }];
  const hidden = allowPrivate ? undefined : addresses.find(({ address }) => !isPublic(address));
  if (hidden === undefined) return addresses;
  return reject('address-forbidden', `${hostname} is at ${hidden.address}, which is no public address`);
}

/** Of the whole Internet: not this machine, this network, a carrier's, a group's, or another address in disguise of one of these. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // ::ffff:10.0.0.1 is 10.0.0.1
  if (parsed.kind() === 'ipv4') return parsed.range() === 'unicast';
  const bytes = parsed.toByteArray();
  // NAT64 [RFC 6052]: networks without IPv4 reach all of it so
  if (parsed.range() === 'rfc6052') return isPublic(bytes.slice(12).join('.'));
  const isGlobal = (bytes[0] ?? 0) >> 5 === 0b001; // 2000::/3 [RFC 4291]: nothing else has been given out
  return isGlobal && parsed.range() === 'unicast';
}
