import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LexicalIndex } from '../src/lexical/lexical-index.ts';
import type { ReasonerSettings } from '../src/reason/reasoners.ts';
import { reasonerNamed } from '../src/reason/reasoners.ts';
import { combineNamed } from '../src/search/combine.ts';
import { LexicalRetriever } from '../src/search/lexical-retriever.ts';
import { answer, type Answer } from '../src/search/pipeline.ts';
import { FakeOpenAiServer, streamed, type FakeReply } from './fake-openai-server.ts';
import { indexOf } from './small-index.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { textsInLanguages } from './texts-in-languages.ts';

const folder = temporaryFolder();
const { question, answer: english } = textsInLanguages[0];
const chinese = textsInLanguages.find(({ language }) => language === 'Chinese')!.answer;
const sentence = 'The sugar in the leaves makes them red. ';

let index: LexicalIndex;
let server: FakeOpenAiServer | undefined;

beforeAll(async () => {
  const texts = { leaves: 'the leaves of trees', sugar: 'sugar and light', wool: 'wool' };
  index = await indexOf(folder, texts, 'english');
});
afterAll(() => index?.close());
afterEach(() => server?.stop());

/** The answer to the question where the model's server replies so. */
async function answered(reply: FakeReply, settings: ReasonerSettings = {}): Promise<Answer> {
  server = await FakeOpenAiServer.start(reply);
  const reasoner = await reasonerNamed(server.name(), { cached: false, env: {}, ...settings });
  try {
    const retriever = new LexicalRetriever(index, 'bm25');
    return await answer({ reasoner, combine: combineNamed('replace'), retriever }, question, { k: 3 });
  } finally {
    await reasoner.close();
  }
}

describe("what a language model's server sends", () => {
  it('is searched without its thoughts', async () => {
    const { reasoned, searches } = await answered(
      streamed({ pieces: ['<thi', 'nk>Wool?', ' No.</th', 'ink>\n\n', ...english.split(/(?= )/)] }),
    );
    expect(reasoned).toMatchObject({ text: english, cuts: [{ kind: 'thought', text: 'Wool? No.' }] });
    expect(searches).toMatchObject([{ from: 'reasoned', text: english }]);
  });

  it('leaves the question alone where it is in another language', async () => {
    const { reasoned, searches, hits } = await answered(streamed({ pieces: [...chinese] }));
    expect(reasoned).toMatchObject({ text: '', finish: 'failed', promptTokens: 50, completionTokens: 7 });
    expect(reasoned.failure).toMatchObject({
      code: 'BAD_REPLY',
      message: expect.stringContaining('the reasoned query is in Chinese, the query in Latin script'),
    });
    expect(searches).toMatchObject([{ from: 'query', text: question }]);
    expect(hits.map(({ id }) => id)).toEqual(['leaves']);
  });

  it('leaves the question alone where it is nothing but thoughts', async () => {
    const { reasoned, searches } = await answered(
      streamed({ pieces: ['<think>Wool', ' or sugar'], finish: 'length' }),
    );
    expect(reasoned.failure?.message).toContain('still thinking at the most tokens. Give it more tokens');
    expect(searches).toMatchObject([{ from: 'query', text: question }]);
  });

  it('is cut where it begins to go round in circles', async () => {
    const pieces = Array<string>(30).fill(sentence);
    const { reasoned, searches } = await answered(streamed({ pieces }));
    const [once] = sentence.split(/(?<=\.)/);
    expect(reasoned).toMatchObject({ text: once, finish: 'early', cuts: [{ kind: 'repeated' }] });
    expect(searches).toMatchObject([{ from: 'reasoned', text: once }]);
  });

  it('is an error where that is asked for', async () => {
    const strict = answered(streamed({ pieces: [...chinese] }), { strict: true });
    await expect(strict).rejects.toMatchObject({ code: 'BAD_REPLY' });
  });

  it('is taken as it is where that is asked for', async () => {
    const any = await answered(streamed({ pieces: [...chinese] }), { sameLanguage: false });
    expect(any.reasoned.text).toBe(chinese);
    await server?.stop();
    const pieces = Array<string>(30).fill(sentence);
    const whole = await answered(streamed({ pieces }), { cutRepetition: false });
    expect(whole.reasoned).toMatchObject({ text: pieces.join(''), finish: 'stop' });
  });
});

it('recorded reasoned queries are data, and not screened', async () => {
  const text = `<think>so</think>${chinese}`;
  const path = join(folder, 'recorded.json');
  writeFileSync(path, JSON.stringify({ [question]: text }));
  const reasoner = await reasonerNamed(`file:${path}`);
  expect((await reasoner.reason(question)).text).toBe(text);
});
