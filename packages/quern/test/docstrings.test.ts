/** The reference is made of docstrings: whatever a program can import has one. */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { entries } from '../../../scripts/reference/entries.mjs';
import { checkout } from './documented/documents.ts';

/** Something that a program can import, and the file that declares it. */
interface Export {
  readonly name: string;
  readonly file: string;
}

const declared =
  '(?:declare )?(?:abstract )?(?:async )?(?:function\\*?|class|interface|type|const|let|enum) ';

/** What a file exports, followed to where it is declared. */
function exportsOf(file: string): Export[] {
  const source = readFileSync(file, 'utf8');
  const own = Array.from(source.matchAll(new RegExp(`^export ${declared}(\\w+)`, 'gm')), ([, name]) => ({
    name,
    file,
  }));
  const passedOn = Array.from(
    source.matchAll(/^export (?:type )?(?:\{([^}]*)\}|\*) from '(\.[^']+)'/gm),
    ([, names, from]) => {
      const exported = exportsOf(resolve(dirname(file), from));
      if (names === undefined) return exported;
      const wanted = names.split(',').map((name) => name.trim().replace(/^type /, ''));
      return wanted
        .filter((name) => name !== '')
        .map((name) => {
          const found = exported.find((each) => each.name === name.split(' as ')[0]);
          if (!found) throw new Error(`${relative(checkout, file)} exports ${name}, which ${from} does not`);
          return found;
        });
    },
  );
  return [...own, ...passedOn.flat()];
}

/** Whether a docstring stands above the declaration. */
function hasDocstring({ name, file }: Export): boolean {
  const source = readFileSync(file, 'utf8');
  return new RegExp(`\\*/\\nexport ${declared}${name}\\b`).test(source);
}

it.each(Object.entries(entries))('%s: every export has a docstring, as the file itself', (path) => {
  const file = resolve(checkout, path);
  const exported = exportsOf(file);
  expect(exported.length).toBeGreaterThan(0);
  const without = exported.filter((each) => !hasDocstring(each));
  expect(without.map(({ name, file: at }) => `${relative(checkout, at)}: ${name}`)).toEqual([]);
  expect(readFileSync(file, 'utf8')).toMatch(/^\/\*\* ?\S/);
});
