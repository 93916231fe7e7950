/** The tables of docs/SCALING.md, as Markdown. */
import { base, reasonerOf, type Inputs } from './inputs.ts';
import { Capacity, perMillion, type Plan } from './plan.ts';
import { quantile } from './queues.ts';

const documentCounts = [1e6, 1e8, 1e10];
const rates = [1, 100, 10_000];
const powers = new Map([
  [1e6, '10⁶'],
  [1e8, '10⁸'],
  [1e10, '10¹⁰'],
]);

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const rounded = (value: number): string => whole(Number(value.toPrecision(2)));
const percent = (share: number): string => `${Math.round(100 * share)} %`;
const seconds = (values: readonly number[], share: number): string => quantile(values, share).toFixed(2);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function planRow(plan: Plan): string[] {
  const { reason, search, latencies } = plan;
  return [
    powers.get(plan.documents)!,
    whole(plan.rate),
    `${whole(plan.gpus)} (${percent(reason!.utilisation)}, ${Math.round(reason!.inService)} at once)`,
    `${whole(plan.copies)} × ${whole(plan.machinesPerCopy)} (${percent(search.utilisation)})`,
    `${(plan.bytesPerMachine / 1e9).toPrecision(2)} GB`,
    [0.5, 0.95, 0.99].map((share) => seconds(search.latencies, share)).join(' / '),
    [0.5, 0.95, 0.99].map((share) => seconds(latencies, share)).join(' / '),
    rounded(plan.dollarsPerMonth),
    rounded(perMillion(plan)),
    percent(plan.gpuShare),
  ];
}

/** The nine cells of the base case. */
export function cellsTable(capacity: Capacity): string {
  return table(
    [
      'documents',
      'questions/s',
      'GPU servers (busy)',
      'copies × machines (busy)',
      'index a machine',
      'search, s: p50 / p95 / p99',
      'whole, s: p50 / p95 / p99',
      '$ a month',
      '$ a million questions',
      'of it GPUs',
    ],
    documentCounts.flatMap((documents) => rates.map((rate) => planRow(capacity.plan(documents, rate)))),
  );
}

const leverCells = [
  [1e6, 10_000],
  [1e8, 10_000],
  [1e10, 100],
] as const;

/** What can be turned, one by one and together: name, change. */
const levers: readonly (readonly [string, Partial<Inputs>])[] = [
  ['as above', {}],
  ['text cut at 250 tokens', { tokenShare: 0.52 }],
  ['gate: reasons about 81 %', { gate: true, reasonedShare: 0.81 }],
  ['cache: knows 30 % (assumed)', { cachedShare: 0.3 }],
  ['reasoner of 0.5B', reasonerOf('0.5B')],
  ['reasoner of 7B', { ...reasonerOf('7B'), reasonP99: 15 }],
  ['50 terms searched', { reasonedPostings: 0.7907 }],
  ['no reasoning, 5 terms', { reasonedShare: 0 }],
  [
    'cut, gate, cache and 50 terms',
    { tokenShare: 0.52, gate: true, reasonedShare: 0.81, cachedShare: 0.3, reasonedPostings: 0.7907 },
  ],
];

/** What each lever leaves of machines and money, in the cells where these are much. */
export function leversTable(): string {
  return table(
    ['', ...leverCells.map(([documents, rate]) => `${powers.get(documents)} × ${whole(rate)}/s`)],
    levers.map(([name, change]) => {
      const capacity = new Capacity({ ...base, ...change });
      return [
        name,
        ...leverCells.map(([documents, rate]) => {
          const plan = capacity.plan(documents, rate);
          const machines = plan.copies * plan.machinesPerCopy;
          return `${whole(plan.gpus)} + ${whole(machines)}: $${rounded(plan.dollarsPerMonth)}`;
        }),
      ];
    }),
  );
}

const swings: readonly (readonly [string, Partial<Inputs>, Partial<Inputs>])[] = [
  ['postings a document: 2.2 / 9', { reasonedPostings: 2.24 }, { reasonedPostings: 8.98 }],
  ['ns a posting: 1.1 / 2.7', { nanosecondsPerPosting: 1.1 }, { nanosecondsPerPosting: 2.7 }],
  ['core efficiency: 1 / 0.5', { coreEfficiency: 1 }, { coreEfficiency: 0.5 }],
  ['server efficiency: 1 / 0.4', { serverEfficiency: 1 }, { serverEfficiency: 0.4 }],
  ['GPU hour: $1.50 / $6', { gpuMachineHour: 1.5 }, { gpuMachineHour: 6 }],
  ['search machine hour: $0.40 / $1.60', { searchMachineHour: 0.4 }, { searchMachineHour: 1.6 }],
  ['tokens: half / twice, in 12 s', { tokenShare: 0.5 }, { tokenShare: 2, reasonP99: 12 }],
  ['aim of search: 1 s / 0.3 s', { searchP99: 1 }, { searchP99: 0.3 }],
  ['hiccups: none / 0.2 s', { hiccupSeconds: 0 }, { hiccupSeconds: 0.2 }],
];

/** By how much the money of two cells moves with one input, the widest first. */
export function swingsTable(): string {
  const cells = [
    [1e6, 10_000],
    [1e8, 10_000],
  ] as const;
  const dollars = (change: Partial<Inputs>): number[] => {
    const capacity = new Capacity({ ...base, ...change });
    return cells.map(([documents, rate]) => capacity.plan(documents, rate).dollarsPerMonth);
  };
  const usual = dollars({});
  const rows = swings.map(([name, low, high]) => {
    const ends = [dollars(low), dollars(high)];
    const ratios = usual.map((each, cell) => ends.map((end) => end[cell] / each));
    const width = Math.max(...ratios.map(([from, to]) => Math.log(to / from)));
    return { name, ratios, width };
  });
  return table(
    ['input: low / high', ...cells.map(([documents, rate]) => `${powers.get(documents)} × ${whole(rate)}/s`)],
    rows
      .toSorted((a, b) => b.width - a.width)
      .map(({ name, ratios }) => [
        name,
        ...ratios.map((ends) => ends.map((ratio) => `${ratio.toFixed(2)} ×`).join(' / ')),
      ]),
  );
}

/** Each table by the name of its markers in the document. */
export function allTables(): ReadonlyMap<string, string> {
  return new Map([
    ['cells', cellsTable(new Capacity(base))],
    ['levers', leversTable()],
    ['swings', swingsTable()],
  ]);
}

/** The document with these tables between their markers. Throws where a marker is missing. */
export function withTables(document: string, tables: ReadonlyMap<string, string>): string {
  let text = document;
  for (const [name, lines] of tables) {
    const [start, end] = [
      `<!-- ${name} -->\n<!-- prettier-ignore-start -->\n`,
      '<!-- prettier-ignore-end -->',
    ];
    const from = text.indexOf(start);
    if (from < 0) throw new Error(`the document has no markers for ${name}`);
    const to = text.indexOf(end, from);
    text = `${text.slice(0, from + start.length)}\n${lines}\n\n${text.slice(to)}`;
  }
  return text;
}
