import { describe, expect, it } from 'vitest';
import { hostOf, licenceOf, preferenceScore, siteDomain, siteOfName } from './stack-exchange.ts';

describe('the domain of a host', () => {
  it.each([
    ['math.stackexchange.com', 'math'],
    ['Stackoverflow.com', 'stackoverflow'],
    ['www.stackoverflow.com', 'stackoverflow'],
    ['ru.stackoverflow.com', 'ru.stackoverflow'],
    ['meta.math.stackexchange.com', 'meta.math'],
    ['math.meta.stackexchange.com', 'math.meta'],
    ['superuser.com', 'superuser'],
    ['mathoverflow.net', 'mathoverflow'],
    ['example.org', 'example.org'],
    ['stackexchange.com', 'stackexchange.com'],
    ['evilstackoverflow.com', 'evilstackoverflow.com'],
  ])('%s is %s', (host, domain) => {
    expect(siteDomain(host)).toBe(domain);
  });

  it('is of an address, not of what stands in it', () => {
    expect(hostOf('https://Physics.stackexchange.com/questions/1')).toBe('physics.stackexchange.com');
    expect(hostOf('ftp://math.stackexchange.com')).toBeUndefined();
    expect(hostOf('math.stackexchange.com')).toBeUndefined();
  });
});

describe('the site of a dump', () => {
  it.each([
    ['beer.stackexchange.com.7z', 'beer.stackexchange.com', false],
    ['stackoverflow.com-Posts.7z', 'stackoverflow.com', false],
    ['beer.meta.stackexchange.com', 'beer.meta.stackexchange.com', false],
    ['beer.2017', 'beer.stackexchange.com', true],
    ['Coffee', 'coffee.stackexchange.com', true],
    ['stackoverflow', 'stackoverflow.com', true],
  ])('%s is of %s', (name, host, isGuess) => {
    expect(siteOfName(name)).toEqual({ host, isGuess });
  });

  it('is not told by every name', () => {
    expect(siteOfName('…')).toBeUndefined();
    expect(siteOfName('-x')).toBeUndefined();
  });
});

it('the score is that of the preferences data', () => {
  // round(log2(1 + votes)) by hand: log2(3) = 1.58, log2(6) = 2.58, log2(101) = 6.66.
  expect([0, 1, 2, 4, 5, 100].map((votes) => preferenceScore(votes, false))).toEqual([0, 1, 2, 2, 3, 7]);
  expect(preferenceScore(2, true)).toBe(3);
  expect(preferenceScore(0, true)).toBe(1);
  expect(preferenceScore(-3, true)).toBe(-1);
});

it('the licence goes by the day', () => {
  expect(licenceOf('2011-04-07T23:59:59')).toBe('CC BY-SA 2.5');
  expect(licenceOf('2011-04-08T00:00:00')).toBe('CC BY-SA 3.0');
  expect(licenceOf('2018-05-01T10:00:00')).toBe('CC BY-SA 3.0');
  expect(licenceOf('2018-05-02')).toBe('CC BY-SA 4.0');
  expect(licenceOf(undefined)).toBe('CC BY-SA');
  expect(licenceOf('garbage')).toBe('CC BY-SA');
});
