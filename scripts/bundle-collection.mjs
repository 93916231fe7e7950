/** Puts the sample collection beside the build, so that `quern demo` has it wherever the package is installed. */
import { cpSync } from 'node:fs';

const from = new URL('../examples/collection/', import.meta.url);
const to = new URL('../packages/quern/dist/collection/', import.meta.url);
cpSync(from, to, { recursive: true });
