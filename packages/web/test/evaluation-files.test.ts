/** The files that the page hands over: LaTeX, CSV, SVG. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePaired } from '../../quern/src/evaluate/comparison.ts';
import { sceneSvg, xmlText } from '../src/pages/evaluation/chart-scene.ts';
import { gainBarsOf, histogramScene } from '../src/pages/evaluation/gain-scene.ts';
import { fileName } from '../src/pages/evaluation/names.tsx';
import { resultsTable } from '../src/pages/evaluation/results-table.ts';
import { scatterOf } from '../src/pages/evaluation/scatter-scene.ts';
import { pairsToMake, significanceOf } from '../src/pages/evaluation/significance.ts';
import { gathered } from '../src/pages/evaluation/systems.ts';
import { tableCsv, topicsCsv } from '../src/pages/evaluation/table-csv.ts';
import { latexText, tableLatex } from '../src/pages/evaluation/table-latex.ts';
import type { TopicPair, TopicValues } from '../src/pages/evaluation/topic-values.ts';
import { savedRun, drawnValues } from './evaluation-folders.ts';

const hostile = '=100%_of $x^2$ & \\input{/etc/passwd} #1~{}"<script>"\n\u202e日本';
const runs = ['bm25', hostile].flatMap((run, i) =>
  ['one', 'two_b'].map((collection) =>
    savedRun({
      run,
      reasoner: i === 0 ? 'none' : 'file:x',
      collection: `bright:${collection}`,
      judgements: collection,
      measures: { 'ndcg@10': 0.25 + 0.25 * i },
      queries: 40,
    }),
  ),
);
const { systems, columns } = gathered({ runs });
const baseline = systems.find(({ key }) => key === 'bm25')!;
const other = systems.find(({ key }) => key !== 'bm25')!;
const shown = [baseline, other];
const pairs = pairsToMake(shown, columns, baseline);
const pair = comparePaired(drawnValues(40, 1), drawnValues(40, 2, 0.7));
const table = resultsTable(
  { systems: shown, columns, baseline, measure: 'ndcg@10', digits: 1 },
  significanceOf(pairs, () => pair, 'column'),
);

/** What TeX would stop at, or read as something else than what is meant. */
function faultsOfLatex(text: string): string[] {
  const faults: string[] = [];
  let depth = 0;
  let isMath = false;
  for (const [token] of text.matchAll(/\\[a-zA-Z]+\*?|\\[^]|[^]/gu)) {
    if (token === '{') depth++;
    else if (token === '}') depth--;
    else if (token === '$') isMath = !isMath;
    else if (['#', '~', '"'].includes(token)) faults.push(token);
    else if ((token === '^' || token === '_') && !isMath) faults.push(token);
    else if (token.length === 1 && !/[\n -~\u{c0}-\u{17e}]/u.test(token)) faults.push(token);
    if (depth < 0) faults.push('}');
  }
  if (depth !== 0 || isMath) faults.push('something is left open');
  return faults;
}

const known = new Set(
  'usepackage begin end centering small caption toprule midrule bottomrule textbf underline dagger ddagger times phantom textbackslash textasciicircum textasciitilde textasciigrave textless textgreater textbar textperiodcentered dots'.split(
    ' ',
  ),
);

describe('LaTeX', () => {
  const latex = tableLatex(table, {
    measure: 'ndcg@10',
    digits: 1,
    baseline: 'bm25',
    family: 'column',
    headings: ['one', 'two_b'],
  });

  it('is a table of booktabs with the best bold, the second underlined, and marks', () => {
    const lines = latex.split('\n');
    expect(lines).toContain('\\begin{tabular}{lrrr}');
    expect(lines).toContain('System & one & two\\_b & Mean \\\\');
    expect(lines).toContain(
      'bm25 & \\underline{25.0}\\phantom{$^{\\dagger}$} & \\underline{25.0}\\phantom{$^{\\dagger}$} & \\underline{25.0} \\\\',
    );
    expect(latex).toContain(
      '& \\textbf{50.0}$^{\\dagger}$ & \\textbf{50.0}$^{\\dagger}$ & \\textbf{50.0} \\\\',
    );
    expect(lines).toContain('Topics & 40 & 40 &  \\\\');
    for (const rule of ['toprule', 'midrule', 'bottomrule']) expect(lines).toContain(`\\${rule}`);
  });

  it('holds no command but its own, and nothing that TeX would stop at', () => {
    const [first, ...rest] = latex.split('\n');
    expect(first).toBe('% Needs \\usepackage{booktabs}');
    expect(faultsOfLatex(rest.join('\n'))).toEqual([]);
    const rows = rest.filter((line) => line.endsWith('\\\\'));
    for (const row of rows) expect(row.match(/(?<!\\)&/g)).toHaveLength(3);
    expect(rest.join('\n')).not.toMatch(/(?<!\\)%/);
    const commands = [...latex.matchAll(/\\([a-zA-Z]+)/g)].map(([, name]) => name);
    expect(commands.filter((name) => !known.has(name))).toEqual([]);
  });

  it('any name is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const text = latexText(name);
        expect(faultsOfLatex(text)).toEqual([]);
        expect(text).not.toMatch(/(?<!\\)[%&$]|--|``|''(?!\{\})|\n/);
        const commands = [...text.matchAll(/\\([a-zA-Z]+)/g)].map(([, each]) => each);
        expect(commands.filter((each) => !known.has(each))).toEqual([]);
      }),
    );
    expect(latexText('Größe--1 ﬀ')).toBe('Größe-{}-{}1 ?');
  });

  // What `pdflatex` of TeX Live 2022 stops at, of U+00C0 to U+017E in a document of the class `article` with booktabs alone.
  it('a letter that the fonts of LaTeX do not have stands without its accent, or as a question mark', () => {
    expect(latexText('ĄąĘęĮįŲų')).toBe('AaEeIiUu');
    for (const letter of 'ÐðÞþĐđĦħĸĿŀŉŊŋŦŧ') expect(latexText(letter)).toBe('?');
    expect(latexText('ŁódźÅØæßıœŽ')).toBe('ŁódźÅØæßıœŽ');
  });
});

function of(ids: readonly string[], own: readonly number[]): TopicValues {
  return { ids, values: new Map([['map', Float64Array.from(own)]]) };
}

describe('CSV', () => {
  it('of the table has the values as they are, and the adjusted p', () => {
    const [head, first, second] = tableCsv(table, 'ndcg@10').split('\r\n');
    expect(head).toBe(
      'system,ndcg@10 bright:one,topics bright:one,p adjusted bright:one,ndcg@10 bright:two_b,topics bright:two_b,p adjusted bright:two_b,ndcg@10 mean over 2 collections',
    );
    expect(first).toBe('bm25,0.25,40,,0.25,40,,0.25');
    expect(second.startsWith('"\'=100%_of')).toBe(true);
    expect(second.endsWith(`,0.5,40,${pair.randomisation.p},0.5,40,${pair.randomisation.p},0.5`)).toBe(true);
  });

  it('of topics has a row a topic, empty where there is no run', () => {
    const text = topicsCsv(
      [baseline, other],
      [
        { collection: 'one', values: [of(['-1', 'q2'], [0.5, 1 / 3]), undefined] },
        { collection: 'two', values: [of(['a'], [0]), of(['a', 'b'], [1, Number.NaN])] },
      ],
      'map',
    );
    expect(text.split('\r\n').slice(1)).toEqual([
      "one,'-1,0.5,",
      'one,q2,0.3333333333333333,',
      'two,a,0,1',
      'two,b,,',
      '',
    ]);
  });
});

/** Elements that are closed without being open, or open at the end. */
function unbalanced(xml: string): string[] {
  const open: string[] = [];
  for (const [, end, name, self] of xml.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (end === '/' && open.at(-1) === name) open.pop();
    else if (self !== '/') open.push(end + name);
  }
  return open;
}

describe('SVG', () => {
  const topics: TopicPair[] = [
    { id: 'q1', a: 0, b: 1, difference: 1 },
    { id: 'q2', a: 0.5, b: 0.25, difference: -0.25 },
    { id: 'q3', a: 0, b: 0, difference: 0 },
    { id: 'q4', a: 0, b: 0, difference: 0 },
  ];
  const words = { a: 'bm25', b: hostile, measure: 'nDCG@10' };
  const scenes = {
    scatter: scatterOf(topics, words).scene,
    gains: gainBarsOf(topics, words).scene,
    narrow: gainBarsOf(topics, { ...words, width: 400 }).scene,
    histogram: histogramScene(topics, words),
    ties: histogramScene(topics.slice(2), words),
  };

  it.each(Object.entries(scenes))(
    '%s stands by itself, coloured, with nothing that is no number',
    (_, scene) => {
      const svg = sceneSvg(scene);
      expect(svg).not.toMatch(/var\(|class=|style=|href|url\(|<script|NaN|Infinity|undefined/);
      expect(svg).toContain('fill="#ffffff"');
      expect(unbalanced(svg)).toEqual([]);
      // What is no mark-up has none of its signs.
      expect(svg.replaceAll(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
    },
  );

  it('any text can stand in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(xmlText(`${text}\0\u{d800}`)).not.toMatch(/[<>"\0\u{d800}-\u{dfff}]/u);
      }),
    );
  });

  it('topics at one place are one larger point, and every topic is found', () => {
    const { spots, spotOf } = scatterOf(topics, words);
    expect(spots.map((spot) => spot.topics.map(({ id }) => id))).toEqual([['q1'], ['q2'], ['q3', 'q4']]);
    expect(spotOf('q4')!.radius).toBeGreaterThan(spotOf('q1')!.radius);
    expect(spots.map(({ role }) => role)).toEqual(['gain-point', 'loss-point', 'tie-point']);
  });

  it('bars go from the largest gain to the largest loss; of many topics they are one outline', () => {
    expect(gainBarsOf(topics, words).sorted.map(({ id }) => id)).toEqual(['q1', 'q3', 'q4', 'q2']);
    const many = Array.from({ length: 10_000 }, (_, i) => {
      const difference = Math.round(20 * Math.sin(i)) / 20;
      return { id: `q${i}`, a: 0.5, b: 0.5 + difference, difference };
    });
    expect(sceneSvg(gainBarsOf(many, words).scene).length).toBeLessThan(20_000);
  });

  it('the histogram counts every topic once', () => {
    const counted = histogramScene(topics, words).shapes.flatMap((shape) =>
      'text' in shape && shape.role === 'text' && /^\d+$/.test(shape.text) ? [Number(shape.text)] : [],
    );
    expect(counted).toEqual([1, 2, 1]);
  });
});

it('names of files hold nothing but letters, digits and signs that any system takes', () => {
  expect(fileName('csv', '../../Ä b\0', 'nDCG@10')).toBe('b-ndcg-10.csv');
  expect(fileName('svg', '…')).toBe('evaluation.svg');
});
