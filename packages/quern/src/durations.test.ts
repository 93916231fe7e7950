import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ageNamed, durationNamed, sizeNamed } from './durations.ts';

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['250', 250],
    ['250ms', 250],
    ['2s', 2000],
    ['5m', 300_000],
    ['3h', 10_800_000],
    ['30d', 2_592_000_000],
  ])('%s is %d milliseconds', (text, milliseconds) => {
    expect(durationNamed(text)).toBe(milliseconds);
  });

  it.each([
    '',
    ' ',
    's',
    '-1',
    '+1',
    '1.5s',
    '1e3',
    '1 s',
    '1S',
    '1M',
    '1w',
    '1ms ',
    '0x1',
    '١',
    '1constructor',
  ])('is not %j', (text) => {
    expect(() => durationNamed(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', what: `${JSON.stringify(text)} is not a duration` }),
    );
  });

  it('is no larger than can be counted', () => {
    expect(() => durationNamed('999999999999d')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a size', () => {
  it.each([
    ['0', 0],
    ['500', 500],
    ['500B', 500],
    ['64kB', 64_000],
    ['100MB', 100_000_000],
    ['100mb', 100_000_000],
    ['2GB', 2_000_000_000],
    ['1TB', 1_000_000_000_000],
    ['1KiB', 1024],
    ['2MiB', 2_097_152],
    ['1GiB', 1_073_741_824],
  ])('%s is %d bytes', (text, bytes) => {
    expect(sizeNamed(text)).toBe(bytes);
  });

  it.each(['', 'MB', '-1MB', '1.5GB', '1 MB', '1M', '1PB', '99999TB'])('is not %j', (text) => {
    expect(() => sizeNamed(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

it('whatever is no whole number with a unit is wrong usage', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^\d+[a-z]*$/i.test(text));
      expect(() => durationNamed(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
      expect(() => sizeNamed(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    }),
  );
});

it('takes an age with its unit only', () => {
  expect(ageNamed('30d')).toBe(30 * 24 * 3600 * 1000);
  expect(() => ageNamed('30')).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
