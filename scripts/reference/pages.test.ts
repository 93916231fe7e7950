import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { brokenLinks, finishedPage } from './pages.mjs';
import { subjectOf } from './subjects.mjs';

const written = `# quern

What it is.

## Searching

<a id="answer"></a>

### answer()

Returns an [\`Answer\`](#answer-1), or [another](quern/train.md#run).

## The service

<a id="answer-1"></a>

### Answer\\<T\\>
`;

it('names the places of a page, and lists them under its head', () => {
  const page = finishedPage(written);
  expect(page).toContain(`What it is.

**[Searching](#subject-searching)**: [\`answer()\`](#api-answer)

**[The service](#subject-the-service)**: [\`Answer<T>\`](#api-answer-1)

<a id="subject-searching"></a>

## Searching
`);
  expect(page).toContain('an [`Answer`](#api-answer-1), or [another](quern/train.md#api-run)');
});

it('tells links that lead to no page, and to no place of one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quern-test-'));
  try {
    writeFileSync(join(folder, 'a.md'), '<a id="x"></a> [x](#x) [y](#y) [b](b.md#z) [b](b.md) [c](c.md)\n');
    writeFileSync(join(folder, 'b.md'), '<a id="z"></a> [x](a.md#x) [far](https://example.org/#x)\n');
    const broken = brokenLinks(folder, ['a', 'b']);
    expect(broken).toEqual(['#y', 'c.md'].map((link) => `${join(folder, 'a.md')}: ${link}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('tells the subject of an export by where its source lies', () => {
  expect(subjectOf('/checkout/packages/quern/src/reason/llama.ts')).toBe('Reasoners');
  expect(subjectOf('/checkout/packages/quern/src/errors.ts')).toBe('Errors, progress and the like');
  expect(subjectOf('/checkout/packages/quern/src/langchain.ts')).toBe('Frameworks');
  expect(subjectOf('/checkout/packages/libtorch/src/tensor.ts')).toBe('Tensors');
  expect(subjectOf('/checkout/packages/libtorch/src/runtime.ts')).toBe('The library and its memory');
});
