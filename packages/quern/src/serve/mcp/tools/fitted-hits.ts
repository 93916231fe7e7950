import { quoted, shortened } from '../quoted-text.ts';

/** A document that was found, as an agent is told of it. */
export interface ToldHit {
  readonly rank: number;
  readonly id: string;
  readonly title?: string;
  readonly passage?: string;
}

/** Hits that fit, and how many of the last did not. */
export interface FittedHits {
  readonly hits: readonly ToldHit[];
  readonly leftOut: number;
}

/** Characters (UTF-16 code units) of a title. */
const titleLength = 120;
/** Characters of a passage: of as many of these as fit, the most. Sixty words of English have about 360. */
const passageLengths = [480, 320, 240, 160, 100, 60, 0];

/**
 * Hits whose JSON has at most `room` characters: their passages are shortened, all to the same length, and where that is not
 * enough, the last hits are left out. An id is told whole, as it is what a document is asked for by.
 */
export function fittedHits(
  found: readonly {
    readonly rank: number;
    readonly id: string;
    readonly title?: string;
    readonly text?: string;
  }[],
  room: number,
): FittedHits {
  const told = found.map(({ rank, id, title = '', text = '' }) => ({
    rank,
    id: wellFormed(id),
    title: shortened(quoted(title), titleLength),
    passage: quoted(text),
  }));
  const withPassages = (length: number): ToldHit[] =>
    told.map(({ rank, id, title, passage }) => ({
      rank,
      id,
      ...(title !== '' && { title }),
      ...(passage !== '' && length > 0 && { passage: shortened(passage, length) }),
    }));
  for (const length of passageLengths) {
    const hits = withPassages(length);
    if (JSON.stringify(hits).length <= room) return { hits, leftOut: 0 };
  }
  const hits: ToldHit[] = [];
  let length = '[]'.length;
  for (const hit of withPassages(0)) {
    length += JSON.stringify(hit).length + ','.length;
    if (length > room) break;
    hits.push(hit);
  }
  return { hits, leftOut: found.length - hits.length };
}

/** Half characters, which not every client can read, become the sign for what is none. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}
