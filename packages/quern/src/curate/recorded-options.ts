import { basename } from 'node:path';
import type { CurateOptions, CurateSettings } from './curate-options.ts';
import type { SourceFacts } from './curation.ts';

/** What the record tells of how the data was made: no path of this machine. */
export function recordedOptions(
  settings: CurateSettings,
  options: CurateOptions,
  guarded: string,
): Record<string, unknown> {
  const { filter, positive, shares, ...rest } = settings;
  return {
    ...rest,
    reasoner: settings.reasoner === null ? null : withoutFolders(settings.reasoner),
    language: filter.language ?? 'any',
    mostCharacters: filter.mostCharacters,
    leastCharacters: filter.leastCharacters,
    mostPositives: positive.most,
    leastScore: positive.leastScore,
    scoreGap: positive.scoreGap ?? null,
    leastAnswerCharacters: positive.leastCharacters,
    validation: shares.validation,
    test: shares.test,
    against: (options.against ?? []).map(withoutFolders),
    // A hash of the texts that the data was held against.
    protected: guarded,
  };
}

/** A name of a reasoner or a collection without the folders of a path in it. */
export function withoutFolders(name: string): string {
  const [kind, ...rest] = name.split(':');
  const value = rest.join(':');
  const isPath =
    kind === 'beir' || kind === 'log' || kind === 'file' || (kind === 'llama' && /^[./~]/.test(value));
  return isPath ? `${kind}:${basename(value)}` : name;
}

/** The names of the options, and `sources`, in which a data set that is there differs from the one that is asked for. */
export function differences(
  there: { readonly options: Readonly<Record<string, unknown>>; readonly sources: unknown },
  options: Readonly<Record<string, unknown>>,
  sources: readonly SourceFacts[],
): string[] {
  const names = [...new Set([...Object.keys(options), ...Object.keys(there.options)])];
  const differing = names.filter(
    (name) => JSON.stringify(there.options[name]) !== JSON.stringify(options[name]),
  );
  const isSameSource = JSON.stringify(there.sources) === JSON.stringify(sources);
  return isSameSource ? differing : [...differing, 'sources'];
}
