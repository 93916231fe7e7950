/** The commands of the documents that are not run, each with the reason; what can be held of one without running it is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from './commands.ts';
import { checkout } from './documents.ts';

/** A command that is not run. */
export interface Exemption {
  readonly matches: RegExp;
  /** Why it is not. */
  readonly reason: string;
  /** What is wrong with it as far as that is seen without running it; undefined where nothing is. */
  readonly fault: (command: string) => string | undefined;
}

const anotherProgram = 'a program of others that needs GPUs, and is not installed with Quern';

export const exemptions: readonly Exemption[] = [
  {
    matches: /^npm (?:run \S+|test)$/,
    reason: 'it would set up, build or test this checkout within its own tests',
    fault: (command) => {
      const name = command === 'npm test' ? 'test' : command.split(' ')[2];
      return Object.hasOwn(manifest('.').scripts, name) ? undefined : `package.json has no script ${name}`;
    },
  },
  {
    matches: /^(?:[A-Z_]+=\S+ )?npm install /,
    reason: 'it would ask a registry',
    fault: (command) => {
      const wanted = wordsOf(command)
        .slice(2)
        .filter((word) => !word.startsWith('-'));
      const { peerDependencies = {}, name } = manifest('packages/quern');
      const { devDependencies = {} } = manifest('.');
      const known = new Set([name, ...Object.keys(peerDependencies), ...Object.keys(devDependencies)]);
      const unknown = wanted.filter(
        (each) => !known.has(each.replace(/(?<=.)@[^@/]*$/, '')) && !/^\.\/quern-.*\.tgz$/.test(each),
      );
      return unknown.length === 0 ? undefined : `Quern uses no package ${unknown.join(', ')}`;
    },
  },
  {
    matches: /^npm pack -w /,
    reason: 'it packs what it would have to build first',
    fault: (command) => {
      const named = Array.from(command.matchAll(/ -w (\S+)/g), ([, name]) => name);
      const own = new Set(['packages/quern', 'packages/libtorch'].map((folder) => manifest(folder).name));
      return named.every((name) => own.has(name)) ? undefined : `one of ${named.join(', ')} is no package`;
    },
  },
  {
    matches: /pip install .*-r /,
    reason: 'it would download some gigabytes',
    fault: (command) => {
      const [, file] = / -r (\S+)/.exec(command) ?? [];
      return existsSync(join(checkout, file)) ? undefined : `there is no ${file}`;
    },
  },
  {
    matches: /^CUDA_VISIBLE_DEVICES=\d vllm serve /,
    reason: anotherProgram,
    fault: (command) => (/--port \d+/.test(command) ? undefined : 'it names no port'),
  },
  {
    matches: /^llama-server /,
    reason: 'a program of others, and not installed with Quern',
    fault: (command) => (/ -m \S+\.gguf /.test(command) ? undefined : 'it names no GGUF file'),
  },
  {
    matches: /^python3 -m openrlhf\.cli\.train_ppo_ray /,
    reason: anotherProgram,
    fault: missingFile,
  },
  {
    matches: /^python3 -m verl\.trainer\.main_ppo /,
    reason: anotherProgram,
    fault: missingFile,
  },
  {
    matches: /(?:^| )sbatch /,
    reason: 'it hands a job to the queue of a cluster',
    fault: (command) =>
      command.endsWith('engine/cluster.sh') ? undefined : 'no job has a script of this name',
  },
];

interface Manifest {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8')) as Manifest;
}

/** The files of this checkout that a command names must be there. */
function missingFile(command: string): string | undefined {
  const named = Array.from(command.matchAll(/(?<=[\s=])engines\/[\w./-]+/g), ([path]) => path);
  const missing = named.filter((path) => !existsSync(join(checkout, path)));
  return missing.length === 0 ? undefined : `there is no ${missing.join(', ')}`;
}
