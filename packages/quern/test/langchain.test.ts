import { Document } from '@langchain/core/documents';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { RunnableLambda, RunnablePassthrough, RunnableSequence } from '@langchain/core/runnables';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { describe, expect, it } from 'vitest';
import { QuernRetriever, ReasonerRunnable } from '../src/langchain.ts';
import { BoundedReasoner } from '../src/reason/bounded.ts';
import { NoReasoner } from '../src/reason/none.ts';
import type { Reasoner } from '../src/reason/reasoner.ts';
import { Rm3Reasoner } from '../src/reason/rm3.ts';
import { answer } from '../src/search/pipeline.ts';
import { recordedTexts, samplePipeline } from './sample-pipeline.ts';
import { inPieces, scripted } from './scripted-reasoner.ts';
import { indexOf } from './small-index.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const { index, pipeline, questions } = await samplePipeline(folder);
const [question] = questions;
const reasoned = recordedTexts();

/** A reasoner that never answers and takes no notice of signals. */
const deaf: Reasoner = { ...scripted({ pieces: [], streams: false }), reason: () => new Promise(() => {}) };

async function piecesOf(stream: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

describe('a retriever of LangChain', () => {
  it('gives the documents that the pipeline answers with, with their texts and how they were found', async () => {
    const retriever = new QuernRetriever({ pipeline, index, k: 6 });
    for (const each of questions) {
      const { hits } = await answer(pipeline, each, { k: 6 });
      const documents = await retriever.invoke(each);
      expect(
        documents.map(({ id, metadata }) => ({ id, score: metadata.score, rank: metadata.rank })),
      ).toEqual(hits);
      for (const { id, pageContent, metadata } of documents) {
        const stored = await index.document(id!);
        expect(pageContent).toBe(stored?.text);
        expect(metadata).toMatchObject({ source: id, title: stored?.title, reasonedQuery: reasoned[each] });
      }
    }
  });

  it('gives real documents, none for a question without a match, and none that are excluded', async () => {
    const retriever = new QuernRetriever({ pipeline: pipeline.retriever, index });
    const [first, second] = await retriever.invoke(question);
    expect(first).toBeInstanceOf(Document);
    expect(first.metadata).not.toHaveProperty('reasonedQuery');
    expect(await retriever.invoke('zzyzx')).toEqual([]);
    const without = new QuernRetriever({ pipeline: pipeline.retriever, index, excluded: [first.id!], k: 1 });
    expect((await without.invoke(question)).map(({ id }) => id)).toEqual([second.id]);
  });

  it('is a step of a chain that answers from what it finds', async () => {
    const model = new FakeListChatModel({ responses: ['They steam.'] });
    const prompts: string[] = [];
    const chain = RunnableSequence.from([
      {
        context: new QuernRetriever({ pipeline, index, k: 2 }).pipe((documents: Document[]) =>
          documents.map(({ pageContent }) => pageContent).join('\n'),
        ),
        question: new RunnablePassthrough(),
      },
      ChatPromptTemplate.fromTemplate('{context}\n\n{question}'),
      RunnableLambda.from((prompt: { toString(): string }) => {
        prompts.push(prompt.toString());
        return prompt as never;
      }),
      model,
      new StringOutputParser(),
    ]);
    expect(await chain.invoke(question)).toBe('They steam.');
    expect(prompts).toHaveLength(1);
    expect(prompts[0]).toContain('Maillard');
    expect(prompts[0]).toContain(question);
  });

  it('tells callbacks of its start, its documents and its errors', async () => {
    const told: string[] = [];
    const callbacks = [
      {
        handleRetrieverStart: (_: unknown, query: string) => void told.push(`start ${query}`),
        handleRetrieverEnd: (documents: unknown[]) => void told.push(`end ${documents.length}`),
        handleRetrieverError: (error: Error) => void told.push(`error ${error.message}`),
      },
    ];
    const retriever = new QuernRetriever({ pipeline, index, k: 3, callbacks });
    await retriever.invoke(question);
    expect(told.splice(0)).toEqual([`start ${question}`, 'end 3']);
    await expect(retriever.invoke('not recorded')).rejects.toThrow('no reasoned query is recorded');
    expect(told).toEqual(['start not recorded', expect.stringContaining('no reasoned query is recorded')]);
    const bare = new QuernRetriever({ pipeline, index });
    await bare.invoke(question, { callbacks });
    expect(told.at(-1)).toBe('end 4');
  });

  it('stops for the signal of the call that it belongs to, and for no other', async () => {
    const reasoner: Reasoner = {
      ...deaf,
      reason: (query, options) =>
        query === question ? pipeline.reasoner.reason(query) : deaf.reason(query, options),
    };
    const retriever = new QuernRetriever({ pipeline: { ...pipeline, reasoner }, index });
    const controller = new AbortController();
    const stopped = retriever.invoke('never answered', { signal: controller.signal });
    const answered = retriever.invoke(question, { signal: new AbortController().signal });
    controller.abort();
    await expect(stopped).rejects.toHaveProperty('name', 'AbortError');
    expect(await answered).toHaveLength(4);
    await expect(retriever.invoke('never answered', { timeout: 5 })).rejects.toHaveProperty(
      'name',
      'TimeoutError',
    );
    const chain = retriever.pipe((documents: Document[]) => documents.length);
    await expect(chain.invoke('never answered', { signal: AbortSignal.timeout(5) })).rejects.toHaveProperty(
      'name',
      'TimeoutError',
    );
  });

  it('answers questions of a batch, a failing one beside others', async () => {
    const retriever = new QuernRetriever({ pipeline, index, k: 2 });
    const found = await retriever.batch([questions[1], 'not recorded'], {}, { returnExceptions: true });
    expect(found).toEqual([
      [expect.any(Document), expect.any(Document)],
      expect.objectContaining({ code: 'NOT_FOUND' }),
    ]);
  });

  it('is not made of an index without texts', async () => {
    const bare = await indexOf(folder, { a: 'oak' });
    expect(() => new QuernRetriever({ pipeline, index: bare })).toThrow('Build the index with --store');
    await bare.close();
  });

  it('can be told of in traces without what it holds', () => {
    const told = JSON.stringify(new QuernRetriever({ pipeline, index }));
    expect(JSON.parse(told)).toMatchObject({
      type: 'not_implemented',
      id: ['quern', 'retrievers', 'QuernRetriever'],
    });
  });
});

describe('a reasoner as a step of a chain', () => {
  it('makes of a question its reasoned query', async () => {
    const step = new ReasonerRunnable(pipeline.reasoner);
    expect(await step.invoke(question)).toBe(reasoned[question]);
    expect(await step.batch(questions.slice(0, 3))).toEqual(
      questions.slice(0, 3).map((each) => reasoned[each]),
    );
  });

  it('streams its pieces as they come', async () => {
    const pieces = inPieces(reasoned[question], 40);
    const step = new ReasonerRunnable(scripted({ pieces }));
    expect(await piecesOf(await step.stream(question))).toEqual(pieces);
  });

  it('finds in a sequence, invoked or streamed, what the pipeline finds', async () => {
    const { hits } = await answer(pipeline, question, { k: 5 });
    const step = new ReasonerRunnable(scripted({ pieces: inPieces(reasoned[question], 40) }));
    const chain = RunnableSequence.from([
      RunnableLambda.from((asked: string) => asked),
      step,
      new QuernRetriever({ pipeline: pipeline.retriever, index, k: 5 }),
    ]);
    const invoked = (await chain.invoke(question)) as Document[];
    expect(invoked.map(({ id }) => id)).toEqual(hits.map(({ id }) => id));
    const streamed: Document[][] = [];
    for await (const documents of await chain.stream(question)) streamed.push(documents as Document[]);
    expect(streamed).toEqual([invoked]);
  });

  it('lets pieces through to the end of a sequence before the last is written', async () => {
    const reasoner = scripted({ pieces: ['water ', 'boils ', 'at ', '100'] });
    const chain = RunnableSequence.from([
      RunnableLambda.from((asked: string) => asked),
      new ReasonerRunnable(reasoner),
    ]);
    const written: number[] = [];
    for await (const piece of await chain.stream('why')) written.push(piece === '' ? -1 : reasoner.written);
    expect(written).toHaveLength(4);
    expect(written[0]).toBeLessThan(4);
  });

  it('gives the question where the reasoner has nothing to search', async () => {
    const enough = await indexOf(
      folder,
      Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`d${i}`, `oak leaf ${i}`])),
    );
    const failing: Reasoner = {
      ...scripted({ pieces: [], streams: false }),
      reason: () => Promise.reject(new Error('gone')),
    };
    const silent = [
      new NoReasoner(),
      scripted({ pieces: ['… ', '—'] }),
      new BoundedReasoner(failing),
      new Rm3Reasoner(enough, 'bm25'),
      new BoundedReasoner(new Rm3Reasoner(enough, 'bm25')),
    ];
    for (const reasoner of silent) expect(await new ReasonerRunnable(reasoner).invoke('oak')).toBe('oak');
    const streamed = silent.map(async (reasoner) =>
      (await piecesOf(await new ReasonerRunnable(reasoner).stream('oak'))).join(''),
    );
    expect(await Promise.all(streamed)).toEqual(['oak', '… —\noak', 'oak', 'oak', 'oak']);
    await enough.close();
  });

  it('puts the question after pieces of a text that was then dropped', async () => {
    const breaking: Reasoner = {
      ...scripted({ pieces: [] }),
      async *stream() {
        yield 'half a ';
        throw new Error('the connection broke');
      },
    };
    const step = new ReasonerRunnable(new BoundedReasoner(breaking));
    expect((await piecesOf(await step.stream('why'))).join('')).toBe('half a \nwhy');
    await expect(piecesOf(await new ReasonerRunnable(breaking).stream('why'))).rejects.toThrow(
      'connection broke',
    );
  });

  it('stops for its signal, and when nobody listens any more', async () => {
    await expect(
      new ReasonerRunnable(deaf).invoke('why', { signal: AbortSignal.timeout(5) }),
    ).rejects.toHaveProperty('name', 'TimeoutError');
    let ended = false;
    const endless: Reasoner = {
      ...scripted({ pieces: [] }),
      async *stream() {
        try {
          for (;;) yield 'on and ';
        } finally {
          ended = true;
        }
      },
    };
    for await (const piece of await new ReasonerRunnable(endless).stream('why')) if (piece !== '') break;
    expect(ended).toBe(true);
  });

  it('tells callbacks what came in and what came out, streamed too', async () => {
    const told: unknown[] = [];
    const callbacks = [
      {
        handleChainStart: (_: unknown, inputs: unknown) => void told.push(inputs),
        handleChainEnd: (outputs: unknown) => void told.push(outputs),
      },
    ];
    const step = new ReasonerRunnable(scripted({ pieces: ['water ', 'boils'] }));
    await step.invoke('why', { callbacks });
    expect(told.splice(0)).toEqual([{ input: 'why' }, { output: 'water boils' }]);
    await piecesOf(await step.stream('why', { callbacks }));
    expect(told.at(-1)).toBe('water boils');
  });
});
