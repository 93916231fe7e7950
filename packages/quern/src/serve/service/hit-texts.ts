import type { Answer } from '../../search/pipeline.ts';
import { termPartOf } from '../../search/lexical-part.ts';
import { bestPassage } from '../../search/passage.ts';
import type { Retriever } from '../../search/retriever.ts';
import { storedDocuments, type SearchedIndex } from '../../search/searched-index.ts';

/** Words of a passage. */
const passageWords = 60;

/**
 * The titles and texts of an answer's hits by their ids, as far as the index has them: of each text all, or the passage that has
 * most of the terms that were searched.
 */
export async function hitTexts(
  { hits, searches }: Pick<Answer, 'hits' | 'searches'>,
  index: SearchedIndex,
  retriever: Retriever,
  what: 'passage' | 'whole' | 'none',
): Promise<Map<string, { readonly title?: string; readonly text?: string }>> {
  if (what === 'none') return new Map();
  const documents = await storedDocuments(
    index,
    hits.map(({ id }) => id),
  );
  const terms = termPartOf(retriever);
  const weights = searches.find((each) => each.weights)?.weights;
  const texts = new Map<string, { readonly title?: string; readonly text?: string }>();
  for (const [id, { title, text }] of documents) {
    const spans = what === 'passage' && terms && weights ? terms.spans(text) : [];
    const shown = what === 'whole' ? text : bestPassage(text, spans, weights ?? new Map(), passageWords);
    texts.set(id, { ...(title !== '' && { title }), ...(shown !== '' && { text: shown }) });
  }
  return texts;
}
