import { HybridRetriever } from './hybrid-retriever.ts';
import { LexicalRetriever } from './lexical-retriever.ts';
import { isTermRetriever, type Retriever, type TermRetriever } from './retriever.ts';

/** Who searches a lexical index: the retriever, or the first such part of a hybrid; undefined where there is none. */
export function lexicalPartOf(retriever: Retriever): LexicalRetriever | undefined {
  return retrieversOf(retriever).find((each) => each instanceof LexicalRetriever);
}

/** Who scores by terms: the retriever, or the first such part of a hybrid; undefined where there is none. */
export function termPartOf(retriever: Retriever): TermRetriever | undefined {
  return retrieversOf(retriever).find(isTermRetriever);
}

function retrieversOf(retriever: Retriever): Retriever[] {
  return retriever instanceof HybridRetriever ? retriever.parts.map((part) => part.retriever) : [retriever];
}
