import { QuernError } from '../../errors.ts';
import { LoopShare } from '../../loop-share.ts';
import type { Answer } from '../../search/pipeline.ts';
import { termPartOf } from '../../search/lexical-part.ts';
import { bestPassage } from '../../search/passage.ts';
import type { Retriever } from '../../search/retriever.ts';
import { storedDocuments, type SearchedIndex } from '../../search/searched-index.ts';

/** Words of a passage. */
const passageWords = 60;
/** Characters (UTF-16 code units) of a text among which its passage is looked for: a document can have millions. */
const searchedLength = 1 << 18;
/** Characters of all whole texts of an answer: it is made in memory, several times. */
const wholeLength = 1 << 24;
/** Hits whose passages are looked for: those after them are told by their ids. */
const mostPassages = 100;
/** Documents that are in memory at a time. */
const readAtOnce = 32;

/** A document's title and text, as far as an answer tells them. */
export interface HitText {
  readonly title?: string;
  readonly text?: string;
}

/**
 * The titles and texts of an answer's hits by their ids, as far as the index has them: of each text all, or the passage that has
 * most of the terms that were searched, of the first hundred hits. Throws `BAD_INPUT` where whole texts are more than an answer tells, and `ABORTED`.
 */
export async function hitTexts(
  { hits, searches }: Pick<Answer, 'hits' | 'searches'>,
  index: SearchedIndex,
  retriever: Retriever,
  what: 'passage' | 'whole' | 'none',
  signal?: AbortSignal,
): Promise<Map<string, HitText>> {
  const texts = new Map<string, HitText>();
  if (what === 'none') return texts;
  const terms = termPartOf(retriever);
  const weights = searches.find((each) => each.weights)?.weights;
  const passageOf = (text: string): string => {
    const searched = text.slice(0, searchedLength);
    const spans = terms && weights ? terms.spans(searched) : [];
    return bestPassage(searched, spans, weights ?? new Map(), passageWords);
  };
  const share = new LoopShare();
  let length = 0;
  const told = what === 'whole' ? hits : hits.slice(0, mostPassages);
  for (let from = 0; from < told.length; from += readAtOnce) {
    const ids = told.slice(from, from + readAtOnce).map(({ id }) => id);
    for (const [id, { title, text }] of await storedDocuments(index, ids)) {
      await share.yield(signal);
      const shown = what === 'whole' ? text : passageOf(text);
      length += shown.length;
      if (length > wholeLength) throw tooLong();
      texts.set(id, { ...(title !== '' && { title }), ...(shown !== '' && { text: shown }) });
    }
  }
  return texts;
}

function tooLong(): QuernError {
  return new QuernError('BAD_INPUT', `the texts have more than ${wholeLength} characters`, {
    where: 'texts',
    hint: 'Ask for passages, or for fewer hits',
  });
}
