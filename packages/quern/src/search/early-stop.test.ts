import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEarlyStop, earlyStopName, earlyStopNamed } from './early-stop.ts';

describe('settings of an early stop', () => {
  it('are read from their name', () => {
    fc.assert(
      fc.property(
        fc.record({
          every: fc.integer({ min: 1, max: 1e6 }),
          depth: fc.integer({ min: 1, max: 1000 }),
          overlap: fc.integer({ min: 1, max: 1000 }).map((share) => share / 1000),
          checks: fc.integer({ min: 1, max: 99 }),
        }),
        (settings) => {
          expect(earlyStopNamed(earlyStopName(settings))).toEqual(settings);
        },
      ),
    );
  });

  it('are the defaults where they are not named', () => {
    expect(earlyStopNamed('')).toEqual(defaultEarlyStop);
    expect(earlyStopNamed(' depth = 5 , checks=1')).toEqual({ ...defaultEarlyStop, depth: 5, checks: 1 });
  });

  it.each([
    'often',
    'every',
    'every=',
    'every=0',
    'every=-1',
    'every=1.5',
    'every=1e3',
    'depth=1001',
    'overlap=0',
    'overlap=1.01',
    'overlap=1.2.3',
    'checks=0',
    'every=5;depth=3',
    'toString=1',
    '__proto__=1',
    'Every=5',
  ])('cannot be %s', (name) => {
    expect(() => earlyStopNamed(name)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});
