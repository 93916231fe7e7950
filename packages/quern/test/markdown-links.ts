import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

/** A link of a Markdown file. */
export interface MarkdownLink {
  readonly line: number;
  /** As it is written, title and angle brackets left out. */
  readonly target: string;
}

const fencedCode = /^[ \t]*(`{3,}|~{3,})[^\n]*\n[^]*?^[ \t]*\1[ \t]*$/gm;

function blank(code: string): string {
  return code.replaceAll(/[^\n]/g, ' ');
}

/** The text without what is code in it, which holds no links; lines stay where they are. */
function withoutCode(text: string): string {
  const unfenced = text.replaceAll(fencedCode, blank);
  return unfenced.replaceAll(/(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, blank);
}

/** The links of a Markdown text: inline, images, definitions of references, and `src`, `srcset` and `href` of HTML in it. */
export function markdownLinks(text: string): MarkdownLink[] {
  const plain = withoutCode(text);
  const written = [
    /\]\(\s*<?([^\s<>()]+)>?(?:\s+"[^"]*")?\s*\)/g,
    /^ {0,3}\[[^\]\n]+\]:\s+<?([^\s<>]+)/gm,
    /\b(?:src|srcset|href)="([^"\s]+)"/g,
  ].flatMap((pattern) => Array.from(plain.matchAll(pattern)));
  return written
    .map((match) => ({ line: plain.slice(0, match.index).split('\n').length, target: match[1]! }))
    .sort((a, b) => a.line - b.line);
}

/** The anchors of a Markdown text as GitHub makes them of its headings, and those that its HTML names. */
export function markdownAnchors(text: string): Set<string> {
  const anchors = new Set(Array.from(text.matchAll(/<\w+ (?:id|name)="([^"]+)"/g), ([, id]) => id!));
  for (const [, heading] of text.replaceAll(fencedCode, '').matchAll(/^#{1,6} +(.+?)(?: +#+)? *$/gm)) {
    const shown = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = shown.replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = name;
    for (let repetition = 1; anchors.has(anchor); repetition++) anchor = `${name}-${repetition}`;
    anchors.add(anchor);
  }
  return anchors;
}

/**
 * What is wrong with the links of a Markdown file, a line for each that leads to no file, outside of `root`, or to no heading
 * of a Markdown file. Addresses on the web are not asked.
 */
export function brokenLinks(path: string, root: string): string[] {
  const text = readFileSync(path, 'utf8');
  return markdownLinks(text).flatMap(({ line, target }) => {
    if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target)) return [];
    const [name, anchor] = target.split('#', 2) as [string, string?];
    const file = name === '' ? path : resolve(dirname(path), decodeURIComponent(name));
    const told = `${relative(root, path)}:${line}: ${target}`;
    if (name.startsWith('/') || relative(root, file).startsWith('..')) return [`${told} leads out`];
    if (!existsSync(file)) return [`${told} is not there`];
    const hasAnchors = file.endsWith('.md');
    if (anchor === undefined || !hasAnchors || markdownAnchors(readFileSync(file, 'utf8')).has(anchor))
      return [];
    return [`${told} names no heading`];
  });
}

/** The Markdown files of a folder, those of what is installed, built and hidden left out. */
export function markdownFiles(folder: string): string[] {
  const passedOver = new Set(['node_modules', 'dist', 'runtimes']);
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => {
      if (passedOver.has(basename(path)) || basename(path).startsWith('.')) return [];
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return markdownFiles(path);
      return path.endsWith('.md') ? [path] : [];
    });
}
