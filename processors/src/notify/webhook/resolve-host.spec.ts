import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NameServer } from '../../testing/name-server.js';
import { hostLookups, type LookupOptions } from './resolve-host.js';
import type { Resolve } from './public-address.js';

const KNOWN = new Map([
  ['hook.example', '192.0.2.7'],
  ['silent.example', undefined],
  ['receiver.shop.svc.cluster.local', '10.0.0.9'],
]);

let server: NameServer;
let folder: string;
beforeEach(async () => {
  server = await NameServer.open(KNOWN);
  folder = await mkdtemp(join(tmpdir(), 'fieldgate-hosts-'));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function lookups(
  { hosts = '', resolv = '' } = {},
  options: Pick<LookupOptions, 'timeoutMs'> = {},
): Promise<Resolve> {
  const files = { hostsFile: join(folder, 'hosts'), resolvFile: join(folder, 'resolv.conf') };
  await Promise.all([writeFile(files.hostsFile, hosts), writeFile(files.resolvFile, resolv)]);
  return hostLookups({ servers: [server.address], ...files, ...options });
}

describe('a host', () => {
  it('is found by the name server, and is asked for anew each time', async () => {
    const resolve = await lookups();
    for (const times of [1, 2]) {
      expect(await resolve('hook.example')).toEqual([{ address: '192.0.2.7', family: 4 }]);
      expect(server.asked).toHaveLength(2 * times); // both families
    }
  });

  it('that stands in the hosts file is at these addresses, and no name server is asked', async () => {
    const resolve = await lookups({ hosts: '# ours\n10.1.2.3  db Hook.example # old\n::7 hook.example\n' });
    expect(await resolve('hook.example')).toEqual([
      { address: '10.1.2.3', family: 4 },
      { address: '::7', family: 6 },
    ]);
    expect(server.asked).toEqual([]);
  });

  it('that is localhost is this machine, also without a hosts file', async () => {
    const resolve = hostLookups({ servers: [server.address], hostsFile: join(folder, 'none') });
    for (const name of ['localhost', 'LOCALHOST.', 'hook.localhost'])
      expect((await resolve(name)).map(({ address }) => address)).toEqual(['127.0.0.1', '::1']);
    expect(server.asked).toEqual([]);
  });

  it('has a short name where the system has search domains', async () => {
    const resolv = 'nameserver 127.0.0.1\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5\n';
    const resolve = await lookups({ resolv });
    expect(await resolve('receiver')).toEqual([{ address: '10.0.0.9', family: 4 }]);
    expect(await resolve('receiver.shop')).toEqual([{ address: '10.0.0.9', family: 4 }]);
    await expect(resolve('receiver.')).rejects.toThrow('receiver. is not found: ENOTFOUND');
  });

  it('that nobody knows is an error that says so', async () => {
    await expect((await lookups())('nowhere.example')).rejects.toThrow(
      'nowhere.example is not found: ENOTFOUND',
    );
  });
});

describe('a name server that does not answer', () => {
  it('is given up in time', async () => {
    const resolve = await lookups({}, { timeoutMs: 50 });
    await expect(resolve('silent.example')).rejects.toThrow('silent.example is not found: ECANCELLED');
  });

  it('is asked once for all who want to know, and holds up no other host', async () => {
    const resolve = await lookups({}, { timeoutMs: 500 });
    let waiting = 100;
    const all = Array.from({ length: waiting }, () => resolve('silent.example').catch(() => (waiting -= 1)));
    expect(await resolve('hook.example')).toHaveLength(1);
    expect(waiting).toBe(100);
    await Promise.all(all);
    expect(waiting).toBe(0);
    expect(server.asked.filter((name) => name === 'silent.example')).toHaveLength(2);
    await expect(resolve('silent.example')).rejects.toThrow('not found'); // asked anew
    expect(server.asked.filter((name) => name === 'silent.example')).toHaveLength(4);
  });
});
