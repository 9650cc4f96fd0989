import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { trustedProxyTest } from './trusted-proxies.js';

describe('trustedProxyTest', () => {
  const isTrusted = trustedProxyTest(['10.0.0.0/8', '192.0.2.7', '::1', '2001:db8::/32']);

  it.each([
    '10.0.0.1',
    '10.255.255.255',
    '192.0.2.7',
    '::ffff:10.0.0.1',
    '::FFFF:10.0.0.1',
    '::1',
    '2001:db8::5',
  ])('trusts %s', (address) => {
    expect(isTrusted(address)).toBe(true);
  });

  it.each([
    '11.0.0.1',
    '192.0.2.8',
    '::ffff:11.0.0.1',
    '::2',
    '2001:db9::5',
    'fe80::1%eth0',
    '',
    'localhost',
    '10.0.0',
  ])('does not trust %j', (address) => {
    expect(isTrusted(address)).toBe(false);
  });

  it('trusts nobody by default', () => {
    expect(trustedProxyTest()('127.0.0.1')).toBe(false);
  });

  it.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/a',
    '10.0.0.0/8/9',
    '10.0.0.0/-1',
    '/8',
  ])('refuses the entry %j', (entry) => {
    expect(() => trustedProxyTest([entry])).toThrow(TenancyConfigurationError);
  });
});
