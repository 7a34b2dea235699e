import { describe, expect, it } from '@jest/globals';
import { addressesOf, isPublic, type Address } from './public-address.js';

/** As a URL writes it. */
const hostOf = (host: string): string => new URL(`http://${host}/`).hostname;
const found = (...addresses: string[]): { allowPrivate: boolean; resolve: () => Promise<Address[]> } => ({
  allowPrivate: false,
  resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
});

describe('addresses that a webhook may call', () => {
  it.each(['8.8.8.8', '93.184.215.14', '2606:2800:220:1::1', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
    '%s is public',
    (address) => expect(isPublic(address)).toBe(true),
  );

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:c0a8:0101',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
    '2001:db8::1',
    'not an address',
  ])('%s is not', (address) => expect(isPublic(address)).toBe(false));
});

describe('the host of a webhook', () => {
  it.each(['127.0.0.1', '[::1]', '[::ffff:10.0.0.1]', '2130706433', '0x7f.1', '0177.0.0.1'])(
    '%s is refused without asking a name server',
    async (host) => {
      const asked = { allowPrivate: false, resolve: () => Promise.reject(new Error('asked')) };
      expect(await addressesOf(hostOf(host), asked)).toMatchObject({ code: 'address-forbidden' });
    },
  );

  it('is refused when one of its addresses is private', async () => {
    expect(await addressesOf('example.com', found('8.8.8.8', '192.168.1.1'))).toMatchObject({
      code: 'address-forbidden',
      detail: 'example.com is at 192.168.1.1, which is no public address',
    });
  });

  it('is taken with the addresses that were checked', async () => {
    expect(await addressesOf('example.com', found('8.8.8.8', '2606:2800:220:1::1'))).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:2800:220:1::1', family: 6 },
    ]);
  });

  it('may be private where the rules allow it', async () => {
    const allowed = { ...found('10.0.0.1'), allowPrivate: true };
    expect(await addressesOf('example.com', allowed)).toEqual([{ address: '10.0.0.1', family: 4 }]);
    expect(await addressesOf('[::1]', allowed)).toEqual([{ address: '::1', family: 6 }]);
  });
});
