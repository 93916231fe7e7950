import { count } from '../../parts/figures.ts';
import type { SetRecord } from './wire.ts';

/** What the record says of the posts' licences and authors, as the card of the set does. */
export function licenceWords({ licence, options }: Pick<SetRecord, 'licence' | 'options'>): string[] {
  const stated = Object.entries(licence).filter(([name]) => name !== 'not stated');
  const unstated = licence['not stated'] ?? 0;
  if (stated.length === 0) return ['The sources state no licence.', ...ofReasoner(options)];
  const words = stated.map(
    ([name, posts]) => `${name}: ${posts === 1 ? 'one post' : `${count(posts)} posts`}`,
  );
  if (unstated > 0) words.push(`not stated: ${unstated === 1 ? 'one post' : `${count(unstated)} posts`}`);
  const isShareAlike = stated.some(([name]) => name.startsWith('CC BY-SA'));
  return [
    `${words.join('; ')}.`,
    isShareAlike
      ? 'dataset.json in the folder of the set names the author of each post, its address and its licence. Whoever gives the data away, or something made from it, names them too and keeps to their licence (share alike).'
      : 'dataset.json in the folder of the set names the authors, as far as the sources tell. Whoever gives the data away keeps to the licences.',
    ...ofReasoner(options),
  ];
}

function ofReasoner(options: SetRecord['options']): string[] {
  const { positives, reasoner } = options;
  return positives === 'answers' || positives === undefined
    ? []
    : [`Positives were written by a language model (${String(reasoner)}): its own terms hold for these.`];
}
