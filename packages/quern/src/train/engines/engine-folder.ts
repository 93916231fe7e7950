/** A job's folder in the run's: what an engine is started with, and which processes were. */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathKindIfAny } from '../../collections/files.ts';
import { fileError, QuernError } from '../../errors.ts';
import { mergedModelFolder, tinyModelFolder } from '../../models/checkpoint-parts.ts';
import { processState } from '../../process-state.ts';
import { jobFolderName } from '../run-folder.ts';
import { kill } from './engine-process.ts';
import { programFolder } from './engine-programs.ts';
import { engineNames, type Engine, type EngineJob, type EngineName } from './engine.ts';

/** The job's folder of a run. */
export function jobFolder(run: string): string {
  return join(resolve(run), jobFolderName);
}

/** What a job is, in `job.json`. */
interface JobFile {
  readonly engine: EngineName;
  /** Tells the data apart. */
  readonly data: string;
}

/** Processes of a job that were started, in `launched.json`. */
interface Launched {
  readonly pid: number;
  /** When, as the system tells. */
  readonly started?: string;
}

async function isThere(path: string): Promise<boolean> {
  return (await pathKindIfAny(path)) !== undefined;
}

/**
 * Takes away a job that was written into a run's folder and of which nothing was ever started, as its log and the run's state show;
 * anything else stays.
 */
export async function discardUnstarted(run: string, log: string): Promise<void> {
  const at = jobFolder(run);
  if (!(await isThere(join(at, 'job.json')))) return;
  const begun = ['launched.json', 'log.txt', 'reward.txt', 'checkpoints', log].map((name) => join(at, name));
  for (const path of [join(run, 'state.json'), ...begun]) if (await isThere(path)) return;
  const made = [at, tinyModelFolder(run), mergedModelFolder(run), join(run, 'config.yaml')];
  try {
    for (const path of made) await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw fileError(error, run);
  }
}

/** Writes a job: texts, the engine's programs, and the versions that it was made for. Each file is whole or as it was. */
export async function writeJob(
  folder: string,
  engine: Engine,
  job: EngineJob,
  { data }: { readonly data: string },
): Promise<void> {
  const from = programFolder();
  try {
    await mkdir(folder, { recursive: true });
    const described: JobFile = { engine: engine.name, data };
    const texts = {
      ...job.files,
      'cluster.sh': job.cluster,
      'job.json': `${JSON.stringify(described, null, 2)}\n`,
    };
    for (const [name, text] of Object.entries(texts)) await replace(join(folder, name), text);
    for (const name of engine.programs)
      await replace(join(folder, name), await readFile(join(from, name), 'utf8'));
    for (const name of engine.requirements)
      await copyFile(join(from, 'requirements', name), join(folder, name));
  } catch (error) {
    throw fileError(error, folder);
  }
}

/** The engine that a run was begun with, if it was one of these. Throws `CORRUPT_FILE`. */
export async function engineOfRun(run: string): Promise<EngineName | undefined> {
  const path = join(jobFolder(run), 'job.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw fileError(error, path);
  });
  if (text === undefined) return undefined;
  try {
    const { engine } = JSON.parse(text) as Partial<JobFile>;
    const known = engineNames.find((name) => name === engine);
    if (known !== undefined) return known;
  } catch {
    // Told below.
  }
  throw new QuernError('CORRUPT_FILE', 'names no engine', { where: path });
}

/** Notes which processes run for a job, so that whoever takes it up can end them. */
export async function noteLaunched(folder: string, pids: readonly number[]): Promise<void> {
  const launched: Launched[] = [];
  for (const pid of pids) launched.push({ pid, started: (await processState(pid))?.started });
  await replace(join(folder, 'launched.json'), `${JSON.stringify(launched)}\n`);
}

/** How long a process that was killed may take to end, in milliseconds. */
const patience = 30_000;

/** Ends what an attempt left running whose own process was killed. Throws `LOCKED` where that cannot be done. */
export async function endLaunched(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'launched.json'), 'utf8').catch(() => '[]');
  let launched: unknown;
  try {
    launched = JSON.parse(text);
  } catch {
    return;
  }
  for (const noted of Array.isArray(launched) ? (launched as unknown[]) : []) {
    const { pid, started } = (noted ?? {}) as Partial<Launched>;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 2 || started === undefined) continue;
    const until = performance.now() + patience;
    for (;;) {
      const state = await processState(pid);
      if (!state || state.ended || state.started !== started) break;
      if (performance.now() > until) {
        throw new QuernError('LOCKED', `process ${pid} of an earlier attempt does not end`, {
          where: folder,
          hint: 'End it, then go on by --resume',
        });
      }
      kill(pid, 'SIGKILL');
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.partial`;
  await writeFile(beside, text, { flush: true });
  await rename(beside, path);
}
