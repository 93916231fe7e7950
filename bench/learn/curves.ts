/** Curves of the arms as SVG: the reward of each step, and of validation, one panel an arm, one line a seed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { armNames } from './arms.js';

interface Line {
  readonly kind: string;
  readonly step: number;
  readonly reward?: number;
  readonly 'eval/reward'?: number;
}

interface Series {
  readonly seed: string;
  readonly rewards: readonly (readonly [step: number, value: number])[];
  readonly validation: readonly (readonly [step: number, value: number])[];
}

const panel = { width: 210, height: 150, left: 44, top: 26, gap: 24 };

/** The picture of the runs `names` (ARM-SEED) in `work`. */
export async function curvesSvg(work: string, names: readonly string[]): Promise<string> {
  const panels: string[] = [];
  for (const [i, arm] of armNames.entries()) {
    const series: Series[] = [];
    for (const name of names.filter((each) => each.startsWith(`${arm}-`))) {
      const metrics = await readFile(join(work, 'arms', name, 'metrics.jsonl'), 'utf8');
      const lines = metrics
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line);
      series.push({
        seed: name.slice(arm.length + 1),
        rewards: lines.flatMap(({ step, reward }) => (reward === undefined ? [] : [[step, reward] as const])),
        validation: lines.flatMap((line) =>
          line['eval/reward'] === undefined ? [] : [[line.step, line['eval/reward']] as const],
        ),
      });
    }
    const x = panel.left + i * (panel.width + panel.left + panel.gap);
    panels.push(`<g transform="translate(${x} ${panel.top})">${panelOf(arm, series)}</g>`);
  }
  const width = armNames.length * (panel.width + panel.left + panel.gap);
  const height = panel.height + panel.top + 44;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Rewards of the arms by step" font-family="system-ui, sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${panels.join('')}</svg>
`;
}

const colours = ['#0b6e99', '#b3541e', '#3f7d20', '#7a3e9d'];

function panelOf(title: string, series: readonly Series[]): string {
  const points = series.flatMap(({ rewards, validation }) => [...rewards, ...validation]);
  const last = Math.max(...points.map(([step]) => step), 1);
  const low = Math.min(...points.map(([, value]) => value));
  const high = Math.max(...points.map(([, value]) => value));
  const at = ([step, value]: readonly [number, number]): string =>
    `${((step / last) * panel.width).toFixed(1)},${(panel.height - ((value - low) / (high - low || 1)) * panel.height).toFixed(1)}`;
  const drawn = series.map(({ rewards, validation }, i) => {
    const colour = colours[i % colours.length];
    const dots = validation
      .map((point) => {
        const [x, y] = at(point).split(',');
        return `<circle cx="${x}" cy="${y}" r="4" fill="${colour}"/>`;
      })
      .join('');
    return `<polyline points="${rewards.map(at).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots}`;
  });
  return [
    text(panel.width / 2, -10, title, 'middle'),
    `<rect width="${panel.width}" height="${panel.height}" fill="none" stroke="#bbb"/>`,
    ...drawn,
    text(-6, panel.height, low.toFixed(2), 'end'),
    text(-6, 10, high.toFixed(2), 'end'),
    text(0, panel.height + 16, '0', 'middle'),
    text(panel.width, panel.height + 16, String(last), 'end'),
    text(panel.width / 2, panel.height + 32, 'step; lines: rewards of training, dots: validation', 'middle'),
  ].join('');
}

function text(x: number, y: number, value: string, anchor: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#333">${value}</text>`;
}
