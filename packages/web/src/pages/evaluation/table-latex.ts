import { measureWords } from '../../../../quern/src/evaluate/report-words.ts';
import type { ResultCell, ResultsTable } from './results-table.ts';
import type { Family } from './choice.ts';

/** What a table's caption has to say. */
export interface LatexWords {
  readonly measure: string;
  readonly digits: 1 | 4;
  readonly baseline: string;
  readonly family: Family;
  /** What the columns are called. */
  readonly headings: readonly string[];
}

/** A table in LaTeX, for the package booktabs: the best of a column bold, the second underlined, marks of significance. */
export function tableLatex(table: ResultsTable, words: LatexWords): string {
  const { columns, rows, meanOver } = table;
  const hasMarks = columns.map((_, c) => rows.some(({ cells }) => cells[c].mark !== ''));
  const head = ['System', ...words.headings.map(latexText), ...(meanOver.length > 0 ? ['Mean'] : [])];
  const counts = [
    'Topics',
    ...columns.map(({ topics }) => String(topics)),
    ...(meanOver.length > 0 ? [''] : []),
  ];
  const body = rows.map(({ system, cells, mean }) => [
    latexText(system.key),
    ...cells.map((cell, c) => latexCell(cell, hasMarks[c])),
    ...(mean ? [latexCell(mean, false)] : []),
  ]);
  return [
    '% Needs \\usepackage{booktabs}',
    '\\begin{table}[t]',
    '\\centering',
    '\\small',
    `\\caption{${caption(table, words)}}`,
    `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`,
    '\\toprule',
    line(head),
    '\\midrule',
    ...body.map(line),
    '\\midrule',
    line(counts),
    '\\bottomrule',
    '\\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `${cells.join(' & ')} \\\\`;
}

function latexCell({ text, standing, mark }: ResultCell, hasMarks: boolean): string {
  const value = text === '–' ? '--' : text.replace('−', '$-$');
  const shown =
    standing === 'best' ? `\\textbf{${value}}` : standing === 'second' ? `\\underline{${value}}` : value;
  const dagger = mark === '‡' ? '$^{\\ddagger}$' : '$^{\\dagger}$';
  // Where others have a mark, the place of one keeps the digits under each other.
  return shown + (mark !== '' ? dagger : hasMarks ? `\\phantom{${dagger}}` : '');
}

function caption({ meanOver, columns }: ResultsTable, words: LatexWords): string {
  const { measure, digits, baseline, family } = words;
  const scale = digits === 1 ? ' ($\\times 100$)' : '';
  const over = family === 'table' ? 'all comparisons of the table' : 'the comparisons of each column';
  const mean =
    meanOver.length === 0
      ? ''
      : ` The mean is over ${meanOver.length === columns.length ? 'the' : `${meanOver.length} of ${columns.length}`} collections, each counting the same.`;
  return (
    `${latexText(measureWords(measure).label)}${scale}. Best of a column bold, second underlined. ` +
    `$\\dagger$/$\\ddagger$: significantly better/worse than ${latexText(baseline)} ` +
    `(paired two-sided randomisation test over topics, $p<0.05$, Holm-corrected over ${over}).${mean}`
  );
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  '%': '\\%',
  _: '\\_',
  '^': '\\textasciicircum{}',
  '~': '\\textasciitilde{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '`': '\\textasciigrave{}',
  "'": "'{}",
  '"': "''{}",
  // Two of them would become a dash.
  '-': '-{}',
  '·': '\\textperiodcentered{}',
  '…': '\\dots{}',
  '–': '--{}',
};

/** Letters that LaTeX stops at, or that its own fonts (OT1) do not have. */
const missing = new Set('ÐðÞþĐđĦħĸĿŀŉŊŋŦŧĄąĘęĮįŲų');

/**
 * A text as LaTeX prints it with no other packages. Letters of Latin scripts stay, which it reads as UTF-8; of a letter that its
 * fonts do not have, what stands without its accent; what else it would stop at becomes a question mark, and white space one space.
 */
export function latexText(text: string): string {
  return Array.from(text.normalize('NFC').replaceAll(/\s+/gu, ' '), (sign) => {
    const plain = missing.has(sign) ? sign.normalize('NFD')[0] : sign;
    if (Object.hasOwn(escapes, plain)) return escapes[plain];
    return /[ -~\u{c0}-\u{17e}]/u.test(plain) && !missing.has(plain) ? plain : '?';
  }).join('');
}
