import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { codeOf } from '../sender.js';
import type { Address, Resolve } from './public-address.js';
import { addressesIn, candidatesOf } from './resolver-files.js';

export interface LookupOptions {
  /** Name servers as `address:port`; those of the system when not given. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  readonly resolvFile?: string;
  /** The whole of one lookup. */
  readonly timeoutMs?: number;
}

/** Half of what a call may take, all tries and search domains included. */
const LOOKUP_MS = 5_000;
/** Of the first try; each further one has twice as long. */
const TRY_MS = 1_000;
const TRIES = 2;

/** What a name server says where nothing is. */
const NOT_THERE: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);
const LOOPBACK: readonly Address[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * Finds hosts, with one lookup under way per host, shared by all who wait for it, that ends by itself. It asks the name servers over sockets of its
 * own: the system's getaddrinfo can not be broken off, and occupies one of two or so threads, so that one name server that hangs holds up everybody.
 */
export function hostLookups(options: LookupOptions = {}): Resolve {
  const underWay = new Map<string, Promise<readonly Address[]>>();
  return (hostname) => {
    const shared = underWay.get(hostname);
    if (shared) return shared;
    const lookup = lookUp(hostname, options).finally(() => underWay.delete(hostname));
    underWay.set(hostname, lookup);
    return lookup;
  };
}

/** For all webhooks of the process. */
export const resolveHost: Resolve = hostLookups();

/** The order of the system: its hosts file, then the name servers, with its search domains. */
async function lookUp(hostname: string, options: LookupOptions): Promise<readonly Address[]> {
  const listed = addressesIn(await textOf(options.hostsFile ?? '/etc/hosts'), hostname);
  if (listed.length > 0) return listed;
  if (/(^|\.)localhost\.?$/i.test(hostname)) return LOOPBACK; // [RFC 6761, 6.3] never asked of a name server
  const candidates = candidatesOf(hostname, await textOf(options.resolvFile ?? '/etc/resolv.conf'));
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (options.servers) resolver.setServers(options.servers);
  const timer = setTimeout(() => resolver.cancel(), options.timeoutMs ?? LOOKUP_MS);
  try {
    return await firstOf(resolver, candidates);
  } catch (error) {
    throw new Error(`${hostname} is not found: ${String(codeOf(error))}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function firstOf(resolver: Resolver, candidates: readonly string[]): Promise<readonly Address[]> {
  for (const candidate of candidates) {
    const found = await ask(resolver, candidate);
    if (found.length > 0) return found;
  }
  throw Object.assign(new Error('no name server knows it'), { code: 'ENOTFOUND' });
}

/** Of both families; one that fails does no harm when the other is there. Throws when it is not known whether there are any. */
async function ask(resolver: Resolver, name: string): Promise<readonly Address[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found: Address[] = [];
  let failure: unknown;
  for (const answer of answers)
    if (answer.status === 'fulfilled')
      found.push(...answer.value.map((address) => ({ address, family: isIP(address) })));
    else if (!NOT_THERE.has(codeOf(answer.reason))) failure = answer.reason;
  if (found.length === 0 && failure !== undefined) throw failure;
  return found;
}

/** Empty where there is no such file. */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}
