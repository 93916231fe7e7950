import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const source = resolve(import.meta.dirname, '../src');

/** From the top down: a folder imports from itself and from what stands below it. Files beside the folders are below all. */
const layers = [
  'cli',
  'doctor',
  'serve',
  'train',
  'curate',
  'reward',
  'evaluate',
  'report',
  'search',
  'reason',
  'dense',
  'opensearch',
  'lexical',
  'models',
  'collections',
  'text',
];

/** What programs import, by the names in package.json. */
const entries = new Set([
  'index.ts',
  'serve.ts',
  'torch.ts',
  'train.ts',
  'langchain.ts',
  'llamaindex.ts',
  'ai.ts',
]);

function layerOf(path: string): number {
  const folder = relative(source, path).split('/')[0];
  const layer = layers.indexOf(folder);
  return layer >= 0 ? layer : layers.length;
}

it('imports point downwards only', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !entries.has(name))
    .map((name) => join(source, name));
  const imports = files.flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(/ from '(\.[^']+)'/g), ([, to]) => ({
      file,
      to: resolve(dirname(file), to),
    })),
  );
  expect(imports.length).toBeGreaterThan(200);
  const upwards = imports.filter(({ file, to }) => layerOf(to) < layerOf(file));
  expect(upwards.map(({ file, to }) => `${relative(source, file)} -> ${relative(source, to)}`)).toEqual([]);
});

it('a framework is imported by its own entry alone', () => {
  const framework = /(?:from|import\() ?'(@langchain\/|@llamaindex\/|llamaindex|ai'|@ai-sdk\/)/;
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && framework.test(readFileSync(join(source, name), 'utf8')),
  );
  expect(files.toSorted()).toEqual(['ai.ts', 'langchain.ts', 'llamaindex.ts']);
});
