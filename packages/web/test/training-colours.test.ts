import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { contrast } from '../../quern/test/contrast.ts';

/** The variables of a style sheet that are a colour by day and one by night. */
function coloursIn(file: string): Map<string, readonly [light: string, dark: string]> {
  const text = readFileSync(join(import.meta.dirname, '../src', file), 'utf8');
  const found = text.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g);
  return new Map(Array.from(found, ([, name, light, dark]) => [name!, [light!, dark!]]));
}

it.each([
  ['light', 0],
  ['dark', 1],
] as const)('curves stand out (WCAG, 3 to 1) in the %s scheme', (_, scheme) => {
  const runs = [...coloursIn('pages/training/training.css')].filter(([name]) => /^run\d$/.test(name));
  const grounds = coloursIn('style/base.css');
  expect(runs).toHaveLength(6);
  for (const [, colours] of runs) {
    for (const ground of ['ground', 'raised'])
      expect(contrast(colours[scheme], grounds.get(ground)![scheme])).toBeGreaterThanOrEqual(3);
  }
});
