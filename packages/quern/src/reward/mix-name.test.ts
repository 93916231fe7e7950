import { expect, it } from 'vitest';
import { namedParts } from './mix-name.ts';

it('takes a name that is no mix for itself', () => {
  expect(namedParts('similarity:onnx:a,b')).toEqual([{ name: 'similarity:onnx:a,b', weight: 1 }]);
});

it('parts a mix at commas that a weight and a name come after', () => {
  expect(namedParts('mix:1*similarity:onnx:my,0.5,models/2*a,.5*lexical,-1e-1*length:400')).toEqual([
    { name: 'similarity:onnx:my,0.5,models/2*a', weight: 1 },
    { name: 'lexical', weight: 0.5 },
    { name: 'length:400', weight: -0.1 },
  ]);
});

it.each(['mix:lexical', 'mix:x*lexical', 'mix:2*', 'mix:1*lexical, -1*copying,'])(
  'refuses %s or names no part that there is',
  (name) => {
    const known = new Set(['lexical', 'copying']);
    const parts = (): void => {
      for (const part of namedParts(name)) if (!known.has(part.name)) throw new Error('is no part');
    };
    expect(parts).toThrow('is no part');
  },
);
