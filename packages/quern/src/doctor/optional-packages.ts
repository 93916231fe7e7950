import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Part } from './part.ts';

const uses: Readonly<Record<string, string>> = {
  '7zip-bin': 'reads .7z archives where no 7-Zip program is installed',
  '@fastify/cors': 'lets pages of other origins ask the service',
  '@fastify/helmet': 'sets the headers of the service that browsers heed',
  '@fastify/rate-limit': 'limits requests to the service',
  '@fastify/swagger': 'describes the API of the service',
  '@fastify/swagger-ui': 'shows the API of the service on a page',
  '@huggingface/transformers': 'embeds texts with ONNX models',
  '@langchain/core': 'is what quern/langchain plugs into',
  '@llamaindex/core': 'is what quern/llamaindex plugs into',
  '@modelcontextprotocol/sdk': 'serves tools to agents',
  '@opensearch-project/opensearch': 'loads and searches indexes in OpenSearch',
  ai: 'is what quern/ai plugs into',
  fastify: 'serves the API, rewards and the page of training runs',
  lmdb: 'remembers reasoned queries',
  'node-llama-cpp': 'runs GGUF models here',
  openai: 'asks servers that speak the API of OpenAI',
  'prom-client': 'counts what servers do',
  usearch: 'searches vectors by a graph',
};

/** Where a package is looked for, and what is optional. */
export interface PackageSearch {
  /** Names and the ranges of versions, `^` or `~` before the oldest. */
  readonly wanted: Readonly<Record<string, string>>;
  /** Folders named `node_modules`, the nearest first. */
  readonly folders: readonly string[];
}

/** A part for each package that Quern can use and does not bring along. */
export function optionalPackages({ wanted, folders }: PackageSearch = ownSearch()): Part[] {
  return Object.entries(wanted).map(([name, range]) => {
    const use = uses[name] ?? 'is optional';
    const version = installedVersion(name, folders);
    if (version === undefined) {
      return {
        part: name,
        state: 'missing',
        what: `not installed; it ${use}`,
        mend: installCommand(name, range),
      };
    }
    if (!isInRange(version, range)) {
      const what = `${version}, and ${range} is needed; it ${use}`;
      return { part: name, state: 'stale', what, mend: installCommand(name, range) };
    }
    return { part: name, state: 'ok', what: `${version}; it ${use}` };
  });
}

function ownSearch(): PackageSearch {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { peerDependencies: wanted } = JSON.parse(manifest) as { peerDependencies: Record<string, string> };
  return { wanted, folders: createRequire(import.meta.url).resolve.paths('quern') ?? [] };
}

/** The version of a package; its exports may hide its manifest from `require`. */
function installedVersion(name: string, folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as {
        version?: unknown;
      };
      if (typeof version === 'string') return version;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Whether a version is in a range of the kinds `^1.2.3` (major 1 or more) and `~1.2.3`. */
export function isInRange(version: string, range: string): boolean {
  const [major, minor, patch] = numbers(version);
  const [leastMajor, leastMinor, leastPatch] = numbers(range.slice(1));
  if (major !== leastMajor) return false;
  if (minor !== leastMinor) return range.startsWith('^') && minor > leastMinor;
  return patch >= leastPatch;
}

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10));
}

function installCommand(name: string, range: string): string {
  // Without its install step onnxruntime-node does not fetch CUDA's runtime.
  const before = name === '@huggingface/transformers' ? 'ONNXRUNTIME_NODE_INSTALL=skip ' : '';
  // The newest of all would not do where only one minor version does.
  const version = range.startsWith('~') ? `@${range.slice(1)}` : '';
  return `${before}npm install ${name}${version}`;
}
