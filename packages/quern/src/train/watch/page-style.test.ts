import { expect, it } from 'vitest';
import { contrast } from '../../../test/contrast.ts';
import { dark, light } from '../../report/style.ts';
import { watchPage } from './page-html.ts';
import { runColours, watchStyle } from './page-style.ts';

it.each([
  ['light', light, runColours.light],
  ['dark', dark, runColours.dark],
])('curves stand out (WCAG, 3 to 1) in the %s scheme', (_, { paper, card }, colours) => {
  expect(colours).toHaveLength(6);
  for (const colour of colours) {
    expect(contrast(colour, paper)).toBeGreaterThanOrEqual(3);
    expect(contrast(colour, card)).toBeGreaterThanOrEqual(3);
  }
});

it('the page and its style sheet load nothing from elsewhere, and hold no script or style within the page', () => {
  expect(watchStyle).not.toMatch(/url\(|@import/);
  expect(watchPage).not.toMatch(/https?:|\sstyle=|\son\w+=|<style/);
  expect(Array.from(watchPage.matchAll(/<script([^>]*)>([^<]*)/g), ([, , inside]) => inside)).toEqual([
    '',
    '',
  ]);
});
