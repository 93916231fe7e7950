/** Puts the sample collection and the programs for engines beside the build, so that they are wherever the package is installed. */
import { cpSync } from 'node:fs';

for (const [from, to] of [
  ['examples/collection/', 'collection/'],
  ['engines/', 'engines/'],
]) {
  cpSync(new URL(`../${from}`, import.meta.url), new URL(`../packages/quern/dist/${to}`, import.meta.url), {
    recursive: true,
    filter: (path) => !path.endsWith('__pycache__'),
  });
}
