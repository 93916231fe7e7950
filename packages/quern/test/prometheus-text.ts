/** A sample of a metric. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const sampleLine = new RegExp(
  String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(${label}(?:,${label})*)?\})? ([+-]?(?:Inf|[Nn]a[Nn]|[0-9.]+(?:e[+-]?[0-9]+)?))(?: [0-9]+)?$`,
);

/**
 * The samples of a text in Prometheus's exposition format 0.0.4, by its grammar: each family has one HELP and one TYPE before its
 * samples, no sample comes twice, and the buckets of a histogram do not fall. Throws what is wrong.
 */
export function prometheusSamples(text: string): Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const types = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, family, rest] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (types.has(family!)) throw new Error(`${family} comes twice`);
      types.set(family!, 'untyped');
    } else if (kind === 'TYPE') {
      if (types.get(family!) !== 'untyped') throw new Error(`the type of ${family} is out of its place`);
      if (!/^(counter|gauge|histogram|summary)$/.test(rest!)) throw new Error(`${family} is a ${rest}`);
      types.set(family!, rest!);
    } else {
      const [, name, labels = '', value] = sampleLine.exec(line) ?? [];
      if (name === undefined) throw new Error(`no sample: ${line}`);
      const type = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ''));
      if (type === undefined) throw new Error(`${name} has no type`);
      if (seen.has(`${name}{${labels}}`)) throw new Error(`${name}{${labels}} comes twice`);
      seen.add(`${name}{${labels}}`);
      const pairs = Array.from(
        labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g),
        ([, key, given]) => [key!, given!],
      );
      samples.push({
        name,
        labels: Object.fromEntries(pairs) as Record<string, string>,
        value: numberOf(value!),
      });
    }
  }
  checkBuckets(samples);
  return samples;
}

/** As Go reads numbers, which takes NaN in any case. */
function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function checkBuckets(samples: readonly Sample[]): void {
  const last = new Map<string, { le: number; value: number }>();
  for (const { name, labels, value } of samples.filter(({ name: each }) => each.endsWith('_bucket'))) {
    const { le, ...rest } = labels;
    const series = `${name} ${JSON.stringify(rest)}`;
    const bound = numberOf(le!);
    const before = last.get(series);
    if (before && (bound <= before.le || value < before.value)) throw new Error(`${series} falls at ${le}`);
    last.set(series, { le: bound, value });
  }
  for (const [series, { le }] of last) if (le !== Infinity) throw new Error(`${series} has no last bucket`);
}
