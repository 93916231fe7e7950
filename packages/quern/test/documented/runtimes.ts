import { hasLibTorch } from '../has-libtorch.ts';
import { hasOpenSearch } from '../open-search-cluster.ts';

/** What may be absent where tests run, and the steps that need it. */
export interface Runtime {
  readonly name: string;
  readonly isHere: boolean;
  readonly matches: RegExp;
}

export const runtimes: readonly Runtime[] = [
  {
    name: 'LibTorch',
    isHere: hasLibTorch,
    matches: /\btorch:|setup torch|quern train |@quern\/libtorch|'quern\/(?:torch|train)'/,
  },
  { name: 'OpenSearch', isHere: hasOpenSearch, matches: /opensearch:/ },
];

/** What a step needs that is not here; undefined where all is. */
export function missingRuntime(text: string): string | undefined {
  return runtimes.find(({ matches, isHere }) => !isHere && matches.test(text))?.name;
}
