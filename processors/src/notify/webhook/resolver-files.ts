import { isIP } from 'node:net';
import type { Address } from './public-address.js';

/** Of a host in the text of a hosts file (hosts(5)). */
export function addressesIn(hosts: string, hostname: string): readonly Address[] {
  const wanted = relative(hostname).toLowerCase();
  return linesOf(hosts).flatMap(([address = '', ...names]) => {
    const family = isIP(address);
    const isMeant = family !== 0 && names.some((name) => name.toLowerCase() === wanted);
    return isMeant ? [{ address, family }] : [];
  });
}

/** The full names that a host may have, the likeliest first, by `search` and `ndots` in the text of a resolv.conf(5). Short names need it: in Kubernetes, say. */
export function candidatesOf(hostname: string, resolvConf: string): readonly string[] {
  if (hostname.endsWith('.')) return [relative(hostname)];
  const lines = linesOf(resolvConf);
  const search = lines.findLast(([word]) => word === 'search' || word === 'domain')?.slice(1) ?? [];
  const ndots = lines
    .filter(([word]) => word === 'options')
    .flat()
    .findLast((option) => /^ndots:\d+$/.test(option));
  const longer = search.map((domain) => `${hostname}.${relative(domain)}`);
  const isShort = hostname.split('.').length - 1 < Number(ndots?.slice('ndots:'.length) ?? 1);
  return isShort ? longer.concat(hostname) : [hostname].concat(longer);
}

function relative(name: string): string {
  return name.replace(/\.$/, '');
}

/** Words per line, without comments and empty lines. */
function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.replace(/[#;].*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));
}
