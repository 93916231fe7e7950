import { expect, it } from 'vitest';
import { curateCommand } from './curate-command.ts';
import type { SetRecord } from './set-answers.ts';

/** A record of sources and options; nothing else counts. */
function record(
  sources: readonly (readonly [kind: string, title: string, site?: string])[],
  options: SetRecord['options'],
): SetRecord {
  return {
    name: 'out',
    options,
    sources: sources.map(([kind, title, site = null]) => ({ kind, title, site, bytes: 1, sha256: null })),
  } as unknown as SetRecord;
}

it.each<[string, SetRecord]>([
  [
    'quern curate beer.2017 --out out --site beer.stackexchange.com --per-domain all --retrieval out-retrieval --seed 3',
    record([['dump', 'beer.2017/Posts.xml', 'beer.stackexchange.com']], {
      perDomain: 'all',
      candidates: 'all',
      language: 'en',
      leastCharacters: 50,
      retrieval: true,
      seed: 3,
    }),
  ],
  [
    'quern curate Owner/data@abc --out out --domains math,cs --candidates 4',
    record(
      [
        ['preferences', 'Owner/data@abc/math/a.parquet'],
        ['preferences', 'Owner/data@abc/math/b.parquet'],
      ],
      { domains: ['math', 'cs'], perDomain: 1200, candidates: 4800 },
    ),
  ],
  [
    `quern curate 'it'\\''s; rm -rf.jsonl' --out out --positives both --reasoner openai:qwq --language de --min-score 2 --think`,
    record([['own', "it's; rm -rf.jsonl"]], {
      positives: 'both',
      reasoner: 'openai:qwq',
      perDomain: 'all',
      language: 'de',
      leastScore: 2,
      scoreGap: null,
      think: true,
    }),
  ],
  ['quern curate log:clicks.tsv --out out --corpus CORPUS', record([['log', 'clicks.tsv']], {})],
])('%s', (command, of) => expect(curateCommand(of)).toBe(command));
