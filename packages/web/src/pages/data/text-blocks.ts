/** A part of a text, and whether its lines are to stay as they are. */
export interface Block {
  readonly isCode: boolean;
  readonly text: string;
}

/**
 * The paragraphs of a text, and what looks like code, a table or a drawing between them: what stands between fences, and paragraphs of
 * which lines are indented, have gaps, or end as code does. Nothing of the text is left out but fences and blank lines around.
 */
export function textBlocks(text: string): Block[] {
  return text.split(/^```[^\n`]*\n([\s\S]*?)^```[ \t]*$/m).flatMap((part, i) => {
    if (i % 2 === 1) return [{ isCode: true, text: part.replace(/\n$/, '') }];
    const blocks: Block[] = [];
    for (const paragraph of part.split(/\n[ \t]*\n/)) {
      const lines = paragraph.replace(/^\n+/, '').trimEnd();
      if (lines.trim() === '') continue;
      const isCode = looksLikeCode(lines);
      const before = blocks.at(-1);
      // Code has blank lines too.
      if (isCode && before?.isCode) blocks.splice(-1, 1, { isCode, text: `${before.text}\n\n${lines}` });
      else blocks.push({ isCode, text: isCode ? lines : lines.trim() });
    }
    return blocks;
  });
}

function looksLikeCode(paragraph: string): boolean {
  const lines = paragraph.split('\n');
  if (lines.some((line) => /^(?: {2,}|\t)\S/.test(line))) return true;
  if (lines.length < 2) return false;
  return (
    lines.some((line) => /\S {3,}\S/.test(line)) || lines.filter((line) => /[;{}]\s*$/.test(line)).length > 1
  );
}
