import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineName, combineNamed, type Combine } from './combine.ts';

describe('a combination', () => {
  it.each<[string, Combine]>([
    ['replace', { kind: 'replace' }],
    ['rrf', { kind: 'rrf' }],
    ['concat:1', { kind: 'concat', times: 1 }],
    ['concat:100', { kind: 'concat', times: 100 }],
    ['interpolate:0', { kind: 'interpolate', weight: 0 }],
    ['interpolate:0.25', { kind: 'interpolate', weight: 0.25 }],
    ['interpolate:1', { kind: 'interpolate', weight: 1 }],
  ])('is named %s', (name, combine) => {
    expect(combineNamed(name)).toEqual(combine);
    expect(combineName(combine)).toBe(name);
  });

  it('has a name that names it again', () => {
    const interpolate = fc.integer({ min: 0, max: 1000 }).map((n) => `interpolate:${n / 1000}`);
    const concat = fc.integer({ min: 1, max: 100 }).map((n) => `concat:${n}`);
    fc.assert(
      fc.property(fc.oneof(interpolate, concat), (name) => {
        expect(combineName(combineNamed(name))).toBe(name);
      }),
    );
  });

  it.each([
    '',
    'Replace',
    'replace:1',
    'rrf:60',
    'concat',
    'concat:',
    'concat:0',
    'concat:1.5',
    'concat:101',
    'concat:-1',
    'concat:1e1',
    'interpolate',
    'interpolate:1.01',
    'interpolate:-0.5',
    'interpolate:.5',
    'interpolate:NaN',
    'interpolate:0.5 ',
  ])('is not named %j', (name) => {
    expect(() => combineNamed(name)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(JSON.stringify(name)) }),
    );
  });
});
