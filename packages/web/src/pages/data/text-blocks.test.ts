import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { textBlocks } from './text-blocks.ts';

it('paragraphs are told from what has to keep its lines', () => {
  const text =
    'Why?\n\nThis is\nprose.\n\nif (a) {\n    b();\n\n    c();\n}\n\nItem   1   2\n Mean   3   4\n\nlet a = 1;\nlet b = 2;\n\nEnd; of it.';
  expect(textBlocks(text)).toEqual([
    { isCode: false, text: 'Why?' },
    { isCode: false, text: 'This is\nprose.' },
    {
      isCode: true,
      text: 'if (a) {\n    b();\n\n    c();\n}\n\nItem   1   2\n Mean   3   4\n\nlet a = 1;\nlet b = 2;',
    },
    { isCode: false, text: 'End; of it.' },
  ]);
});

it('what stands between fences is code', () => {
  expect(textBlocks('Try:\n```ts\nlet a\n\nlet b\n```\nand `this`.')).toEqual([
    { isCode: false, text: 'Try:' },
    { isCode: true, text: 'let a\n\nlet b' },
    { isCode: false, text: 'and `this`.' },
  ]);
});

it('no word is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('word', ' ', '   ', '\n', '\n\n', ';', '{', '\t', '<b>')),
      (parts) => {
        const text = parts.join('');
        expect(textBlocks(text).flatMap((block) => words(block.text))).toEqual(words(text));
      },
    ),
  );
});

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
