/** The programs in the documents, as somebody saves and runs them. */
import type { Block, Document } from './documents.ts';

/** The languages of blocks that hold programs for Node. */
export const programLanguages: ReadonlySet<string> = new Set(['js', 'mjs', 'javascript', 'ts', 'typescript']);

/** A program that takes names of an earlier one, or of the reader. */
interface Continuation {
  readonly matches: RegExp;
  /** The earlier program of the same document that it goes on from. */
  readonly after?: RegExp;
  /** What the reader has. */
  readonly given?: string;
}

const pipeline = /^const pipeline = /m;

/** A model of the AI SDK that says something, whatever it is asked. */
const languageModel = `import { MockLanguageModelV3 } from 'ai/test';
const model = new MockLanguageModelV3({
  doGenerate: async () => ({
    content: [{ type: 'text', text: 'So it is.' }],
    finishReason: { unified: 'stop', raw: undefined },
    usage: { inputTokens: {}, outputTokens: {} },
    warnings: [],
  }),
});`;

export const continuations: readonly Continuation[] = [
  { matches: /from 'quern\/langchain'/, after: pipeline },
  { matches: /from 'quern\/llamaindex'/, after: pipeline },
  { matches: /from 'quern\/ai'/, after: pipeline, given: languageModel },
];

/** The whole of a program. Throws where the document lacks what it goes on from. */
export function programOf(document: Document, block: Block): string {
  const continuation = continuations.find(({ matches }) => matches.test(block.text));
  if (!continuation) return block.text;
  const { after, given = '' } = continuation;
  if (after === undefined) return `${given}\n${block.text}`;
  const earlier = document.blocks.findLast(
    (each) => programLanguages.has(each.language) && each.line < block.line && after.test(each.text),
  );
  if (!earlier)
    throw new Error(`${document.path} has no program before this one that ${String(after)} is in`);
  return `${earlier.text}\n${given}\n${block.text}`;
}
