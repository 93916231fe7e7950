import { expect, it } from 'vitest';
import { passagesNamed } from '../dense/passages.ts';
import { combineNamed } from '../search/combine.ts';
import { retrieverNamed } from '../search/retrievers.ts';
import { Warnings } from '../warnings.ts';
import type { DenseOptions } from './dense-options.ts';
import { warnOfIdleOptions } from './idle-options.ts';
import type { PlanningOptions } from './planning-options.ts';

const plain: PlanningOptions = { combine: combineNamed('replace'), k1: 0.9, b: 0.4 };

function warned(
  options: Partial<PlanningOptions & DenseOptions & { deadline: number }>,
  retriever: string,
  reasoner = 'none',
): string[] {
  const warnings = new Warnings();
  warnOfIdleOptions({ ...plain, ...options }, [reasoner], retrieverNamed(retriever), warnings);
  return warnings.list().map(({ message, first }) => `${first}: ${message}`);
}

it('tells of parameters of BM25 where nothing weighs terms', () => {
  const dense = '--retriever dense:onnx:x';
  expect(warned({}, 'dense:onnx:x')).toEqual([]);
  expect(warned({ k1: 1.2, b: 0.75 }, 'dense:onnx:x')).toEqual([
    `${dense}: --k1 changes nothing: the retriever does not weigh terms`,
    `${dense}: --b changes nothing: the retriever does not weigh terms`,
  ]);
  expect(warned({ k1: 1.2 }, 'bm25')).toEqual([]);
  expect(warned({ k1: 1.2 }, 'hybrid:bm25q+dense:onnx:x')).toEqual([]);
  // It weighs terms to find what it learns from.
  expect(warned({ k1: 1.2 }, 'dense:onnx:x', 'rm3')).toEqual([]);
});

it('tells of options about vectors where there are none', () => {
  const options = { passages: passagesNamed('words=20'), pooling: 'cls', queryInstruction: '' } as const;
  expect(warned(options, 'bm25').map((text) => text.split(' changes ')[0])).toEqual([
    '--retriever bm25: --passages',
    '--retriever bm25: --pooling',
    '--retriever bm25: --query-instruction',
  ]);
  expect(warned(options, 'hybrid:bm25+dense:onnx:x')).toEqual([]);
});

it('tells of a deadline where nothing is waited for', () => {
  expect(warned({ deadline: 1 }, 'dense:onnx:x')).toEqual([
    '--reasoner none: --deadline changes nothing: nothing is waited for',
  ]);
  expect(warned({ deadline: 1, rerank: 'onnx:x' }, 'bm25')).toEqual([]);
  expect(warned({ deadline: 1 }, 'bm25', 'rm3')).toEqual([]);
});

it('tells of a depth without a reranker, under its own name', () => {
  expect(warned({ rerankDepth: 5 }, 'bm25')).toEqual([
    'there is no --rerank: --rerank-depth changes nothing',
  ]);
  expect(warned({ rerankDepth: 5, rerank: 'onnx:x' }, 'bm25')).toEqual([]);
});
