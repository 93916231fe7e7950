import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
export const checkout = resolve(import.meta.dirname, '../../../..');

/** A fenced block of a document. */
export interface Block {
  /** The language behind the fence; empty where there is none. */
  readonly language: string;
  /** What stands in it, without the indentation that all of it has. */
  readonly text: string;
  /** The line of the document that its first line is, from 1. */
  readonly line: number;
  /** The heading that it stands under. */
  readonly section: string;
}

/** A document with its blocks. */
export interface Document {
  /** Its path in the checkout. */
  readonly path: string;
  readonly blocks: readonly Block[];
  /** What stands as code in its running text and its tables, each with its line. */
  readonly inline: readonly { readonly text: string; readonly line: number }[];
}

/** The documents that a reader may follow, in the order in which they are read. */
export function readDocuments(): Document[] {
  const docs = markdownIn('docs');
  return ['README.md', ...docs, 'examples/README.md', ...markdownIn('engines')].map((path) =>
    documentOf(path, readFileSync(join(checkout, path), 'utf8')),
  );
}

/** What `docs/reference` holds is generated, and its blocks are those of docstrings. */
function markdownIn(folder: string): string[] {
  return readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.md') && !name.startsWith('reference/'))
    .map((name) => `${folder}/${name}`)
    .toSorted();
}

/** The blocks of a text in Markdown. Throws for a fence that nothing closes. */
export function documentOf(path: string, markdown: string): Document {
  const blocks: Block[] = [];
  const inline: { text: string; line: number }[] = [];
  const lines = markdown.split('\n');
  let section = '';
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence, language = ''] = /^(\s*)(`{3,}|~{3,})\s*(\w*)/.exec(lines[at]) ?? [];
    if (fence === undefined) {
      if (/^#{1,6} /.test(lines[at])) section = lines[at].replace(/^#+ /, '');
      for (const [, text] of lines[at].matchAll(/`([^`]+)`/g)) inline.push({ text, line: at + 1 });
      continue;
    }
    const end = lines.findIndex((line, i) => i > at && line.trim() === fence);
    if (end < 0) throw new Error(`${path}:${at + 1}: nothing closes this block`);
    const held = lines.slice(at + 1, end).map((line) => line.replace(indent, ''));
    blocks.push({ language, text: held.join('\n'), line: at + 2, section });
    at = end;
  }
  return { path, blocks, inline };
}
