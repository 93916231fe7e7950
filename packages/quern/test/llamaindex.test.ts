import { ContextChatEngine } from '@llamaindex/core/chat-engine';
import { MockLLM } from '@llamaindex/core/llms/mock';
import type { RetrieverQueryEngine } from '@llamaindex/core/query-engine';
import { BaseRetriever } from '@llamaindex/core/retriever';
import { MetadataMode, TextNode } from '@llamaindex/core/schema';
import { describe, expect, it } from 'vitest';
import { QuernRetriever } from '../src/llamaindex.ts';
import type { Reasoner } from '../src/reason/reasoner.ts';
import { answer } from '../src/search/pipeline.ts';
import { recordedTexts, samplePipeline } from './sample-pipeline.ts';
import { scripted } from './scripted-reasoner.ts';
import { indexOf } from './small-index.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What the tests use of the whole package, which a plain checkout does without. */
interface LlamaIndex {
  readonly RetrieverQueryEngine: typeof RetrieverQueryEngine;
  readonly SimilarityPostprocessor: new (options: { similarityCutoff: number }) => never;
  readonly Settings: { withLLM<T>(llm: MockLLM, work: () => T): T };
  readonly BaseRetriever: typeof BaseRetriever;
}

const name: string = 'llamaindex';
const llamaIndex = (await import(/* @vite-ignore */ name).catch(() => undefined)) as LlamaIndex | undefined;

const folder = temporaryFolder();
const { index, pipeline, questions } = await samplePipeline(folder);
const [question] = questions;
const reasoned = recordedTexts();

/** A model that says the same whatever it is asked, and remembers it. */
class ListeningModel extends MockLLM {
  readonly heard: string[] = [];

  constructor() {
    super({
      timeBetweenToken: 0,
      responseMessage: 'They steam.',
      metadata: {
        model: 'listening',
        temperature: 0,
        topP: 1,
        contextWindow: 16_000,
        tokenizer: undefined,
        structuredOutput: false,
      },
    });
  }

  override complete(params: never): never {
    this.heard.push(JSON.stringify(params));
    return super.complete(params) as never;
  }

  override chat(params: never): never {
    this.heard.push(JSON.stringify(params));
    return super.chat(params) as never;
  }
}

describe('a retriever of LlamaIndex', () => {
  it('gives the nodes that the pipeline answers with, with their texts and how they were found', async () => {
    const retriever = new QuernRetriever({ pipeline, index, k: 6 });
    for (const each of questions) {
      const { hits } = await answer(pipeline, each, { k: 6 });
      const nodes = await retriever.retrieve(each);
      expect(
        nodes.map(({ node, score }) => ({ id: node.id_, score, rank: node.metadata['rank'] as number })),
      ).toEqual(hits);
      for (const { node } of nodes) {
        const stored = await index.document(node.id_);
        expect(node.getContent(MetadataMode.NONE)).toBe(stored?.text);
        expect(node.metadata).toMatchObject({ title: stored?.title, reasonedQuery: reasoned[each] });
      }
    }
  });

  it('shows a model the title and the text of a node, and nothing of how it was found', async () => {
    const [{ node }] = await new QuernRetriever({ pipeline, index }).retrieve(question);
    expect(node).toBeInstanceOf(TextNode);
    const shown = node.getContent(MetadataMode.LLM);
    expect(shown).toMatch(/^title: Where roasted flavour comes from\n\nThe brown crust/);
    expect(node.getContent(MetadataMode.EMBED)).toBe(shown);
    expect(shown).not.toContain('essential problem');
  });

  it('takes a question as a message, and gives none for one without a match', async () => {
    const retriever = new QuernRetriever({ pipeline: pipeline.retriever, index, k: 3 });
    const nodes = await retriever.retrieve({ query: [{ type: 'text', text: question }] });
    expect(nodes).toHaveLength(3);
    expect(nodes[0].node.metadata).not.toHaveProperty('reasonedQuery');
    expect(await retriever.retrieve('zzyzx')).toEqual([]);
  });

  it('stops for its signal', async () => {
    const deaf: Reasoner = { ...scripted({ pieces: [] }), reason: () => new Promise(() => {}) };
    const controller = new AbortController();
    const retriever = new QuernRetriever({
      pipeline: { ...pipeline, reasoner: deaf },
      index,
      signal: controller.signal,
    });
    const stopped = retriever.retrieve(question);
    controller.abort();
    await expect(stopped).rejects.toHaveProperty('name', 'AbortError');
  });

  it('throws what its reasoner throws, and is not made of an index without texts', async () => {
    await expect(new QuernRetriever({ pipeline, index }).retrieve('not recorded')).rejects.toThrow(
      'no reasoned query is recorded',
    );
    const bare = await indexOf(folder, { a: 'oak' });
    expect(() => new QuernRetriever({ pipeline, index: bare })).toThrow('Build the index with --store');
    await bare.close();
  });

  it('finds what a chat is about', async () => {
    const model = new ListeningModel();
    const engine = new ContextChatEngine({
      retriever: new QuernRetriever({ pipeline, index, k: 2 }),
      chatModel: model,
    });
    const { message } = await engine.chat({ message: question });
    expect(message.content).toBe('They steam.');
    expect(model.heard.join()).toContain('Maillard');
  });
});

describe.skipIf(llamaIndex === undefined)('in the whole package of LlamaIndex', () => {
  it('a query engine answers from what is found, at once and streamed', async () => {
    const { RetrieverQueryEngine: Engine, SimilarityPostprocessor, Settings, ...rest } = llamaIndex!;
    const retriever = new QuernRetriever({ pipeline, index, k: 3 });
    expect(retriever).toBeInstanceOf(rest.BaseRetriever);
    const model = new ListeningModel();
    const { hits } = await answer(pipeline, question, { k: 3 });
    const engine = Settings.withLLM(model, () => new Engine(retriever));
    const { message, sourceNodes } = await engine.query({ query: question });
    expect(message.content).toBe('They steam.');
    expect(sourceNodes?.map(({ node }) => node.id_)).toEqual(hits.map(({ id }) => id));
    expect(model.heard.join()).toContain('Maillard');
    let streamed = '';
    for await (const { delta } of await engine.query({ query: question, stream: true })) streamed += delta;
    expect(streamed).toBe('They steam.');
    const best = new SimilarityPostprocessor({ similarityCutoff: hits[0].score });
    const cut = Settings.withLLM(model, () => new Engine(retriever, undefined, [best]));
    expect((await cut.query({ query: question })).sourceNodes?.map(({ node }) => node.id_)).toEqual([
      hits[0].id,
    ]);
  });
});
