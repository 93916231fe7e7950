import { settingsOf } from '../../curate/curate-options.ts';
import type { SetRecord } from './set-answers.ts';

const kinds = ['dump', 'preferences', 'own', 'log'] as const;

/**
 * The command that makes a set like the one of a record, as a line of a shell: options that have their defaults are left out, as far as
 * they are known; folders are named by their last part, and those of which the record tells nothing by capitals.
 */
export function curateCommand({ name, sources, options }: SetRecord): string {
  const known = sources.map(({ kind }) => ({ kind: kinds.find((each) => each === kind) ?? 'own' }));
  const usual = settingsOf(known, { out: name });
  const isLog = known.some(({ kind }) => kind === 'log');
  const dumps = sources.filter(({ kind }) => kind === 'dump');
  const { perDomain, candidates } = options;
  const factor =
    typeof perDomain === 'number' && typeof candidates === 'number' ? candidates / perDomain : undefined;
  const words = [
    'quern',
    'curate',
    ...new Set(sources.map(sourceWord)),
    '--out',
    name,
    ...dumps.flatMap(({ site }) => (site === null ? [] : ['--site', site])),
    ...(isLog ? ['--corpus', 'CORPUS'] : []),
    ...given('--positives', options['positives'], usual.positives),
    ...given('--reasoner', options['reasoner'], null),
    ...given('--domains', options['domains'], usual.domains),
    ...given('--per-domain', perDomain, usual.perDomain),
    ...given('--candidates', factor, 8),
    ...list(options['against']).flatMap((each) => ['--against', each]),
    ...(options['retrieval'] === true ? ['--retrieval', `${name}-retrieval`] : []),
    ...given('--language', options['language'], usual.filter.language ?? 'any'),
    ...given('--max-characters', options['mostCharacters'], usual.filter.mostCharacters),
    ...given('--min-characters', options['leastCharacters'], usual.filter.leastCharacters),
    ...given('--similarity', options['similarity'], usual.similarity),
    ...given('--max-positives', options['mostPositives'], usual.positive.most),
    ...given('--min-score', options['leastScore'], usual.positive.leastScore),
    ...given('--score-gap', options['scoreGap'], null),
    ...given('--validation', options['validation'], usual.shares.validation),
    ...given('--test', options['test'], usual.shares.test),
    ...(options['think'] === true ? ['--think'] : []),
    ...given('--seed', options['seed'], usual.seed),
  ];
  return words.map(quoted).join(' ');
}

/** An option that has not its default. */
function given(flag: string, value: SetRecord['options'][string] | undefined, usual: unknown): string[] {
  if (value === undefined || value === null || String(value) === String(usual)) return [];
  return [flag, Array.isArray(value) ? value.join(',') : String(value)];
}

/** A source as it would be named: of a dump its folder, of a file on the hub its data set. */
function sourceWord({ title, kind, sha256 }: SetRecord['sources'][number]): string {
  if (kind === 'dump') return title.replace(/\/Posts\.xml$/, '');
  if (kind === 'log') return `log:${title}`;
  const isOnHub = kind === 'preferences' && sha256 === null;
  return isOnHub ? (/^[^/]+\/[^/]+/.exec(title)?.[0] ?? title) : title;
}

function list(value: SetRecord['options'][string] | undefined): readonly string[] {
  return Array.isArray(value) ? value : [];
}

/** A word that a shell takes as it is. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
