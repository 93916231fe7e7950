import { join, relative, resolve } from 'node:path';
import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuernError } from '../../errors.ts';
import { etagOf, isPlainName, parseListing } from './hub-listing.ts';

const commit = 'c'.repeat(40);
const blobId = 'b'.repeat(40);
const sha256 = 'a'.repeat(64);
const asked = { repository: 'owner/model', revision: 'main' };

function listing(...siblings: unknown[]): ReturnType<typeof parseListing> {
  return parseListing(JSON.stringify({ sha: commit, siblings }), asked, 'hub.example');
}

function refusalOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error instanceof QuernError ? error.code : error;
  }
}

describe('a list of files', () => {
  it('gives the commit, and of each file its name, size and checksums', () => {
    const { commit: found, files } = listing(
      { rfilename: 'config.json', size: 12, blobId },
      { rfilename: 'a/model.safetensors', size: 7, blobId, lfs: { sha256, size: 7, pointerSize: 130 } },
      { rfilename: 'empty', size: 0, blobId, lfs: null },
    );
    expect(found).toBe(commit);
    expect(files).toEqual([
      { name: 'config.json', size: 12, blobId },
      { name: 'a/model.safetensors', size: 7, blobId, sha256 },
      { name: 'empty', size: 0, blobId },
    ]);
    expect(files.map(etagOf)).toEqual([blobId, sha256, blobId]);
  });

  it.each([
    ['', 'half of {"sha": "cc', '<html>Log in</html>', 'null', '[]', '1', '"text"', '{}'],
    [{ sha: commit }, { siblings: [] }, { sha: 'main', siblings: [] }, { sha: commit, siblings: {} }],
    [
      { sha: `../${commit.slice(3)}`, siblings: [] },
      { sha: [commit], siblings: [] },
    ],
  ])('is refused where it is none: %j and the like', (...replies) => {
    for (const reply of replies) {
      const json = typeof reply === 'string' ? reply : JSON.stringify(reply);
      const refused = refusalOf(() => parseListing(json, asked, 'hub.example'));
      expect([json, refused]).toEqual([json, 'BAD_REPLY']);
    }
  });

  it.each([
    [null, {}, 'config.json', { rfilename: 1 }, { rfilename: 'x' }],
    [
      { rfilename: 'x', size: -1, blobId },
      { rfilename: 'x', size: '1', blobId },
      { rfilename: 'x', size: 1.5, blobId },
    ],
    [
      { rfilename: 'x', size: 1 },
      { rfilename: 'x', size: 1, blobId: '../../x' },
      { rfilename: 'x', size: 2 ** 60, blobId },
    ],
    [
      { rfilename: 'x', size: 1, blobId, lfs: {} },
      { rfilename: 'x', size: 1, blobId, lfs: { sha256: '../x', size: 1 } },
    ],
  ])('is refused with a file of which it tells too little: %j and the like', (...siblings) => {
    for (const sibling of siblings) {
      expect([sibling, refusalOf(() => listing(sibling))]).toEqual([sibling, 'BAD_REPLY']);
    }
  });

  it('is refused with the same name twice', () => {
    const file = { rfilename: 'x', size: 1, blobId };
    expect(() => listing(file, file)).toThrow(expect.objectContaining({ code: 'BAD_REPLY' }));
  });
});

describe('a plain name', () => {
  it.each(['config.json', 'a/b/c.gguf', '.gitattributes', 'a b.txt', 'é…', '...', 'a..b', 'run:3', '%2e%2e'])(
    'may be %j',
    (name) => {
      expect(isPlainName(name)).toBe(true);
      const file = { rfilename: name, size: 1, blobId };
      expect(listing(file).files[0].name).toBe(name);
    },
  );

  it.each([
    ['', '/', '/etc/passwd', '..', '../x', 'a/../x', 'a/..', './x', 'a/./x', 'a//x', 'a/'],
    ['a\\b', '..\\x', 'C:x', 'c:/x', 'a\0b', 'a\nb', 'a\u0085b', '\u007f', 'a\ud800b', 'x'.repeat(1025)],
  ])('is none of %j and the like, and no list with one is taken', (...names) => {
    for (const name of names) {
      const refused = refusalOf(() => listing({ rfilename: name, size: 1, blobId }));
      expect([name, isPlainName(name), refused]).toEqual([name, false, 'BAD_REPLY']);
    }
  });

  it('always leads below the folder, and to itself in an address', () => {
    const unit = constantFrom('a', '.', '/', '\\', ':', '%', '?', '#', ' ', '\n', '2e', 'é');
    assert(
      property(string({ unit }), (name) => {
        if (!isPlainName(name)) return;
        expect(relative('/snapshot', resolve('/snapshot', join(...name.split('/'))))).toBe(name);
        const path = name.split('/').map(encodeURIComponent).join('/');
        expect(decodeURIComponent(new URL(`https://hub/base/${path}`).pathname)).toBe(`/base/${name}`);
      }),
      { numRuns: 2000 },
    );
  });
});
