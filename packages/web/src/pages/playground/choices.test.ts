import { expect, it } from 'vitest';
import { hashOf, addressIn } from '../../address.ts';
import {
  choicesIn,
  combinationOf,
  defaultChoices,
  paramsOf,
  plainBody,
  searchBody,
  type Choices,
  type Served,
} from './choices.ts';

const served = {
  config: { indexes: ['notes', 'wiki'], reasoners: ['none', 'rm3', 'qr'], limits: { k: 1000 } },
  indexes: [],
} as unknown as Served;

const all: Choices = {
  question: 'why? & <how>\n#',
  index: 'wiki',
  reasoner: 'rm3',
  retriever: 'bm25',
  combine: 'interpolate:0.3',
  k: 25,
  earlyStop: true,
  gate: false,
  reranker: 'cross',
  keyTerms: 0.2,
  rounds: 3,
};

it('the first index, and the first reasoner that is a model, are chosen by themselves', () => {
  expect(defaultChoices(served)).toMatchObject({ index: 'notes', reasoner: 'qr', k: 10 });
  const plain = { ...served, config: { ...served.config, reasoners: ['none', 'rm3'] } };
  expect(defaultChoices(plain).reasoner).toBe('rm3');
});

it('choices are in an address as they are', () => {
  const { params } = addressIn(hashOf('', paramsOf(all)));
  expect(choicesIn(params, served)).toEqual(all);
  const usual = defaultChoices(served);
  expect(choicesIn(addressIn(hashOf('', paramsOf(usual))).params, served)).toEqual(usual);
});

it.each([
  ['combine=concat:0', { combine: 'replace' }],
  ['combine=concat:2x', { combine: 'replace' }],
  ['combine=interpolate:2', { combine: 'replace' }],
  ['combine=constructor', { combine: 'replace' }],
  ['k=0', { k: 1 }],
  ['k=100000', { k: 100 }],
  ['k=x', { k: 10 }],
  ['rounds=2.4', { rounds: 2 }],
  ['key=7', { keyTerms: 0.99 }],
  ['index=gone', { index: 'gone' }],
])('%s in an address is %j', (said, expected) => {
  expect(choicesIn(new URLSearchParams(said), served)).toMatchObject(expected);
});

it('a body has what is chosen; without reasoning, what would be the same for both', () => {
  expect(searchBody(all)).toEqual({
    query: all.question,
    index: 'wiki',
    reasoner: 'rm3',
    retriever: 'bm25',
    combine: 'interpolate:0.3',
    k: 25,
    earlyStop: true,
    gate: false,
    reranker: 'cross',
    keyTerms: 0.2,
    rounds: 3,
    explain: true,
  });
  expect(plainBody(all)).toEqual({
    query: all.question,
    index: 'wiki',
    reasoner: 'none',
    retriever: 'bm25',
    k: 25,
    reranker: 'cross',
    explain: true,
  });
});

it.each([
  ['concat', undefined, 'concat:1'],
  ['concat', 2.5, 'concat:1'],
  ['concat', 3, 'concat:3'],
  ['interpolate', Number.NaN, 'interpolate:0.5'],
  ['interpolate', 0, 'interpolate:0'],
  ['rrf', 3, 'rrf'],
])('%s with %j is the combination %s', (kind, number, expected) => {
  expect(combinationOf(kind, number)).toBe(expected);
});
