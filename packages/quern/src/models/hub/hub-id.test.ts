import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuernError } from '../../errors.ts';
import { parseHubId } from './hub-id.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';

function refusalOf(id: string): unknown {
  try {
    return parseHubId(id);
  } catch (error) {
    return error instanceof QuernError ? error.code : error;
  }
}

describe('a model id', () => {
  it.each([
    ['owner/name', 'owner/name', 'main'],
    ['TongSearch/TongSearch-QR-1.5B', 'TongSearch/TongSearch-QR-1.5B', 'main'],
    ['a/b@v1.0', 'a/b', 'v1.0'],
    ['a_b/c.d@some-branch', 'a_b/c.d', 'some-branch'],
    ['a/b@refs/pr/1', 'a/b', 'refs/pr/1'],
    ['a/b@0123456', 'a/b', '0123456'],
  ])('%s is a repository and a revision', (id, repository, revision) => {
    expect(parseHubId(id)).toEqual({ repository, revision });
  });

  it('may name a commit, whose digits are taken as small ones', () => {
    const expected = { repository: 'a/b', revision: commit, commit };
    expect(parseHubId(`a/b@${commit}`)).toEqual(expected);
    expect(parseHubId(`a/b@${commit.toUpperCase()}`)).toEqual(expected);
  });

  it.each([
    ['', '/', 'name', 'a/b/c', '/b', 'a/', '@main', 'a@b/c'],
    ['../b', 'a/..', 'a/b..c', './b', '.a/b', 'a/.b', '-a/b', 'a/-b', 'a/b-', 'a./b'],
    // What stands between owner and name in the cache: two ids must not share a folder.
    ['a--b/c', 'a/b--c', 'a/b.git'],
    [
      'a b/c',
      'a/b c',
      'a/b\n',
      'a\0/b',
      'a\\b',
      'a/b\\..',
      'ä/b',
      'a/b%2f',
      'a/b?x',
      'a/b#x',
      'a:b/c',
      '~/b',
    ],
    [
      'a/b@',
      'a/b@..',
      'a/b@x/../y',
      'a/b@/x',
      'a/b@x/',
      'a/b@-x',
      'a/b@.x',
      'a/b@x@y',
      'a/b@x y',
      'a/b@x//y',
    ],
    [`${'a'.repeat(97)}/b`, `a/${'b'.repeat(97)}`, `a/b@${'x'.repeat(97)}`],
  ])('is refused where it is none: %j and the like', (...ids) => {
    for (const id of ids) expect([id, refusalOf(id)]).toEqual([id, 'USAGE']);
  });

  it('never leads out of the cache or to another address', () => {
    const part = string({ unit: constantFrom('a', '.', '-', '/', '@', '%', '\\', '\0', 'é', '0') });
    assert(
      property(part, (id) => {
        let parsed;
        try {
          parsed = parseHubId(id);
        } catch {
          return;
        }
        const { repository, revision } = parsed;
        const parts = [...repository.split('/'), ...revision.split('/')];
        expect(parts.every((name) => /^[a-z0-9]+([.-]+[a-z0-9]+)*$/.test(name))).toBe(true);
        const { pathname } = new URL(`https://hub/api/models/${repository}/revision/${revision}`);
        expect(pathname).toBe(`/api/models/${repository}/revision/${revision}`);
      }),
      { numRuns: 2000 },
    );
  });
});
