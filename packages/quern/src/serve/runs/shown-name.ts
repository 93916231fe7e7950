import { namedMembers } from '../../reason/several-names.ts';

/** The name of a collection or a retriever without the folders that lead to what it names, and without addresses of servers. */
export function shownName(name: string): string {
  return name
    .replaceAll(/@https?:\/\/[^+]*/giu, '')
    .replaceAll(/(?<=:)(?:(?:[A-Za-z]:)?|\.{1,2})[/\\][^+]*[/\\]/gu, '');
}

/** {@link shownName} of a reasoner, or of several. */
export function shownReasoner(name: string): string {
  try {
    const members = namedMembers(name).map(
      ({ name: each, samples }) => `${samples === 1 ? '' : `${samples}*`}${shownName(each)}`,
    );
    return `${name.startsWith('join:') ? 'join:' : ''}${members.join(',')}`;
  } catch {
    return shownName(name);
  }
}
