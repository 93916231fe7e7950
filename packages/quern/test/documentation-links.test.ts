import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenLinks, markdownAnchors, markdownFiles, markdownLinks } from './markdown-links.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = resolve(import.meta.dirname, '../../..');
/** Made of README.md when the package is packed. */
const copied = join(root, 'packages/quern/README.md');
/** Made of the docstrings by `npm run reference`, which holds its own links. */
const reference = join(root, 'docs/reference/');

const folders = ['docs', 'examples', 'engines', 'bench', 'packages'];
const files = [
  ...readdirSync(root)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, name)),
  ...folders.flatMap((name) => markdownFiles(join(root, name))),
].filter((path) => path !== copied && !path.startsWith(reference));

describe('the documentation', () => {
  it('has links that lead to files and headings that are there', () => {
    expect(files.map((path) => relative(root, path))).toEqual(
      expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/SERVICE.md', 'engines/README.md']),
    );
    expect(files.flatMap((path) => brokenLinks(path, root))).toEqual([]);
  });

  it('has a map that names every page', () => {
    const map = join(root, 'docs/README.md');
    const links = markdownLinks(readFileSync(map, 'utf8'));
    const named = new Set(links.map(({ target }) => resolve(dirname(map), target)));
    const pages = files.filter((path) => path.startsWith(join(root, 'docs/')) && path !== map);
    expect(pages.filter((path) => !named.has(path))).toEqual([]);
  });
});

describe('a link', () => {
  const folder = temporaryFolder();
  const page = join(folder, 'docs/page.md');
  mkdirSync(dirname(page));
  writeFileSync(
    join(folder, 'other.md'),
    '# Other\n\n## What `quern eval` does, and how\n\n## Twice\n\n## Twice\n',
  );
  writeFileSync(join(folder, 'picture.svg'), '<svg/>');

  function foundIn(text: string): string[] {
    writeFileSync(page, text);
    return brokenLinks(page, folder);
  }

  it('that leads to nothing is told with its line', () => {
    expect(
      foundIn('# Page\n\nSee [it](missing.md),\n![a](../no.png) and\n[that][x].\n\n[x]: ../gone.md\n'),
    ).toEqual([
      'docs/page.md:3: missing.md is not there',
      'docs/page.md:4: ../no.png is not there',
      'docs/page.md:7: ../gone.md is not there',
    ]);
    expect(foundIn('<picture><source srcset="a.png"><img src="../picture.svg" alt=""></picture>')).toEqual([
      'docs/page.md:1: a.png is not there',
    ]);
  });

  it('that names no heading is told', () => {
    expect(foundIn('# Page\n\n[a](../other.md#what-it-does) [b](#pages)\n')).toEqual([
      'docs/page.md:3: ../other.md#what-it-does names no heading',
      'docs/page.md:3: #pages names no heading',
    ]);
  });

  it('that leads out of the repository, or from its root, is told', () => {
    expect(foundIn('[a](../../elsewhere.md) [b](/other.md)')).toEqual([
      'docs/page.md:1: ../../elsewhere.md leads out',
      'docs/page.md:1: /other.md leads out',
    ]);
  });

  it('is fine where it leads to a file, a folder, a heading or the web', () => {
    const text = `# Page of [links](../other.md)

[a](../other.md) [b](../other.md#what-quern-eval-does-and-how "a title") [c](<../other.md#twice-1>)
[d](../) [e](#page-of-links) [f](https://quern.example.org/no.md) ![g](../picture.svg)
`;
    expect(foundIn(text)).toEqual([]);
    expect(markdownLinks(text)).toHaveLength(8);
  });

  it('in code is none', () => {
    expect(
      foundIn(
        '`[a](no.md)`\n\n```md\n[b](no.md)\n# Not a heading\n```\n\n- x\n\n  ```md\n  [c](no.md)\n  ```\n',
      ),
    ).toEqual([]);
    expect(markdownAnchors('```sh\n# not a heading\n```\n# One\n')).toEqual(new Set(['one']));
  });
});
