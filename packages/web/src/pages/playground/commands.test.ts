import { expect, it } from 'vitest';
import type { Choices, Served } from './choices.ts';
import { commandLine, curlCall, fetchCall, shellWord } from './commands.ts';

const choices: Choices = {
  question: 'why?',
  index: 'notes',
  reasoner: 'qr',
  retriever: '',
  combine: 'replace',
  k: 10,
  earlyStop: false,
  gate: true,
  reranker: '',
  keyTerms: 0,
  rounds: 1,
};
const indexes = [{ name: 'notes', retriever: 'bm25q' }];
const declared = {
  indexes: { notes: '/my data/notes.index' },
  retrievers: { both: 'hybrid:bm25+dense:onnx:m' },
  reasoners: { qr: 'openai:m@http://localhost:1/v1' },
  rerankers: { cross: 'onnx:m' },
};
const named = { config: {}, indexes } as unknown as Served;
const known = { config: { declared }, indexes } as unknown as Served;

it.each([
  ['plain', 'plain'],
  ['', "''"],
  ['two words', "'two words'"],
  ["it's", String.raw`'it'\''s'`],
  ['a\n$(b)`c`"', "'a\n$(b)`c`\"'"],
  ['~', "'~'"],
  ['*', "'*'"],
])('the word %j of a shell is %s', (text, word) => {
  expect(shellWord(text)).toBe(word);
});

it('a command line has what is chosen, and no more', () => {
  expect(commandLine(choices, named)).toEqual({
    text: "npx quern search notes 'why?' -k 10 --retriever bm25q --reasoner qr --explain",
    isNamed: true,
  });
  const all = {
    ...choices,
    retriever: 'both',
    combine: 'concat:2',
    k: 5,
    earlyStop: true,
    reranker: 'cross',
    keyTerms: 0.2,
    rounds: 2,
  };
  expect(commandLine(all, known)).toEqual({
    text: "npx quern search '/my data/notes.index' 'why?' -k 5 --retriever hybrid:bm25+dense:onnx:m --reasoner openai:m@http://localhost:1/v1 --combine concat:2 --rerank onnx:m --key-terms 0.2 --rounds 2 --early-stop --explain",
    isNamed: false,
  });
});

it('a question that begins with a dash is no option', () => {
  const { text } = commandLine({ ...choices, question: '-k' }, named);
  expect(text).toBe('npx quern search -k 10 --retriever bm25q --reasoner qr --explain -- notes -k');
});

it('names of properties that every object has are names like others', () => {
  const { text } = commandLine({ ...choices, reasoner: 'constructor' }, known);
  expect(text).toContain('--reasoner constructor ');
});

it('calls hold the variable of a token, never a token', () => {
  expect(curlCall('http://a/v1/search', { query: "it's" }, false)).toBe(
    String.raw`curl http://a/v1/search \
  -H 'content-type: application/json' \
  -d '{"query":"it'\''s"}'`,
  );
  expect(curlCall('http://a', {}, true)).toContain('"authorization: Bearer $QUERN_TOKEN"');
  expect(fetchCall('http://a', {}, true)).toContain('`Bearer ${process.env.QUERN_TOKEN}`');
});
