import { expect, it } from 'vitest';
import { dark, light, reportStyle, type Palette } from './style.ts';

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

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
