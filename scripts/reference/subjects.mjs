/** What an export is about, which is where its source lies. */

/** The subjects of `quern`, by the folders of its sources, in the order in which a reader wants them. */
const folders = {
  search: 'Searching',
  reason: 'Reasoners',
  lexical: 'The lexical index',
  dense: 'Vectors',
  text: 'Text and terms',
  collections: 'Collections',
  evaluate: 'Evaluation',
  reward: 'Rewards',
  curate: 'Training data',
  train: 'Training',
  models: 'Models',
  opensearch: 'OpenSearch',
  serve: 'The service',
};

/** The subjects of `@quern/libtorch`, by its sources. */
const files = {
  tensor: 'Tensors',
  creation: 'Tensors',
  operators: 'Tensors',
  functional: 'Functions of networks',
  decoder: 'Functions of networks',
  autograd: 'Gradients and their steps',
  adamw: 'Gradients and their steps',
  'gradient-clipping': 'Gradients and their steps',
};

/** What plugs into frameworks lies beside the folders. */
const frameworks = new Set(['langchain.ts', 'llamaindex.ts', 'ai.ts']);
const ofFrameworks = 'Frameworks';

const rest = { quern: 'Errors, progress and the like', libtorch: 'The library and its memory' };

/** Every subject, in the order of a page. */
export const subjects = [
  ...new Set([...Object.values(folders), ...Object.values(files), ofFrameworks, ...Object.values(rest)]),
];

/** The subject of what a file of sources exports. */
export function subjectOf(path) {
  const [, name, inside] = /packages\/(\w+)\/src\/(.+)$/.exec(path.replaceAll('\\', '/')) ?? [];
  if (name === 'libtorch') return files[inside.replace(/\.ts$/, '')] ?? rest.libtorch;
  if (frameworks.has(inside)) return ofFrameworks;
  return folders[inside?.split('/')[0]] ?? rest.quern;
}
