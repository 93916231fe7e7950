/** A drawing without colours of its own: on the page the style sheet colours it, in a file it is coloured to be read on white. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly shapes: readonly Shape[];
}

/** What a shape stands for; its class on the page is this word after `scene-`. */
export type Role =
  | 'grid'
  | 'axis'
  | 'even'
  | 'text'
  | 'faint'
  | 'gain'
  | 'loss'
  | 'tie'
  | 'gain-point'
  | 'loss-point'
  | 'tie-point'
  | 'gain-text'
  | 'loss-text';

/** A path, or a text. */
export type Shape =
  | { readonly role: Role; readonly path: string; readonly width?: number }
  | {
      readonly role: Role;
      readonly text: string;
      readonly x: number;
      readonly y: number;
      readonly anchor?: 'start' | 'middle' | 'end';
      /** In degrees, about its place. */
      readonly turn?: number;
    };

/** The colours of a file: those of the light theme. */
const styles: Readonly<Record<Role, string>> = {
  grid: 'fill="none" stroke="#ddd5c5" stroke-width="1"',
  axis: 'fill="none" stroke="#675e4f" stroke-width="1"',
  even: 'fill="none" stroke="#675e4f" stroke-width="1" stroke-dasharray="4 4"',
  text: 'fill="#221d14"',
  faint: 'fill="#675e4f"',
  gain: 'fill="#1d6b34"',
  loss: 'fill="#a82a2a"',
  tie: 'fill="#8d8371"',
  'gain-point': 'fill="none" stroke="#1d6b34" stroke-opacity="0.7" stroke-linecap="round"',
  'loss-point': 'fill="none" stroke="#a82a2a" stroke-opacity="0.7" stroke-linecap="round"',
  'tie-point': 'fill="none" stroke="#8d8371" stroke-opacity="0.7" stroke-linecap="round"',
  'gain-text': 'fill="#1d6b34"',
  'loss-text': 'fill="#a82a2a"',
};

/** A drawing as a file that stands by itself: no style sheet, no font, nothing from elsewhere. */
export function sceneSvg({ width, height, title, description, shapes }: Scene): string {
  const drawn = shapes.map((shape) => {
    if ('path' in shape) {
      const thick = shape.width === undefined ? '' : ` stroke-width="${shape.width}"`;
      return `<path ${styles[shape.role]}${thick} d="${shape.path}"/>`;
    }
    const { x, y, anchor = 'start', turn } = shape;
    const turned = turn === undefined ? '' : ` transform="rotate(${turn} ${x} ${y})"`;
    return `<text ${styles[shape.role]} x="${x}" y="${y}" text-anchor="${anchor}"${turned}>${xmlText(shape.text)}</text>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12" role="img">`,
    `<title>${xmlText(title)}</title>`,
    `<desc>${xmlText(description)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/** A text within XML: what XML cannot hold at all becomes U+FFFD. */
export function xmlText(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A name that fits in a drawing. */
export function shortName(name: string, most = 44): string {
  const signs = Array.from(name.replaceAll(/[\s\p{Cc}\p{Bidi_Control}]+/gu, ' ').trim());
  return signs.length <= most ? signs.join('') : `${signs.slice(0, most - 1).join('')}…`;
}

/** A place in a drawing, to a tenth. */
export function at(value: number): number {
  return Math.round(value * 10) / 10;
}
