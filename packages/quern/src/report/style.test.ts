import { expect, it } from 'vitest';
import { contrast } from '../../test/contrast.ts';
import { dark, light, reportStyle, type Palette } from './style.ts';

it.each([
  ['light', light],
  ['dark', dark],
])('text is readable (WCAG AA, 4.5 to 1) wherever it stands in the %s scheme', (_, palette: Palette) => {
  const { ink, soft, gain, loss } = palette;
  for (const ground of ['paper', 'card', 'weak', 'medium', 'strong', 'stray'] as const) {
    expect(contrast(ink, palette[ground])).toBeGreaterThanOrEqual(4.5);
  }
  for (const ground of ['paper', 'card', 'weak'] as const) {
    expect(contrast(soft, palette[ground])).toBeGreaterThanOrEqual(4.5);
  }
  for (const colour of [gain, loss]) expect(contrast(colour, palette.paper)).toBeGreaterThanOrEqual(4.5);
});

it('the style sheet has both schemes and one for print, and loads nothing', () => {
  expect(reportStyle).toContain('prefers-color-scheme: dark');
  expect(reportStyle).toContain('@media print');
  expect(reportStyle).not.toMatch(/url\(|@import|<\//);
});
