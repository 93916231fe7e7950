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

export function isSame(
  there: { readonly options: unknown; readonly sources: unknown },
  options: Readonly<Record<string, unknown>>,
  sources: readonly SourceFacts[],
): boolean {
  return (
    JSON.stringify(there.options) === JSON.stringify(options) &&
    JSON.stringify(there.sources) === JSON.stringify(sources)
  );
}
