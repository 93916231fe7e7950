import { lstat, mkdir, readdir, realpath, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { contentId } from '../content-id.ts';
import { fileError, QuernError } from '../errors.ts';
import { clearFoldersBeside, makeFolderBeside, pathBeside, removeFolderBeside } from '../folder-beside.ts';
import { quernVersion } from '../version.ts';
import { checkFolderOf, syncFolder, writeLines } from '../whole-file.ts';
import { evaluationFiles, severalFile } from './saved-evaluation.ts';
import { writeEvaluation, type EvaluationToSave } from './write-evaluation.ts';

/** Whether evaluations that are there already may be replaced. */
export interface EvaluationFolderOptions {
  readonly replace?: boolean;
}

/**
 * A folder of saved evaluations that comes to be: beside its final place, `FOLDER.partial-PID-RANDOM`, and renamed when it is whole.
 */
export class EvaluationFolder {
  readonly #out: string;
  readonly #beside: string;
  readonly #replaces: boolean;
  readonly #folders: string[] = [];

  private constructor(out: string, beside: string, replaces: boolean) {
    this.#out = out;
    this.#beside = beside;
    this.#replaces = replaces;
  }

  /**
   * Begins one, to be called before what takes long. Throws `ALREADY_EXISTS` where something is in its place, unless that is an
   * empty folder, or a folder of saved evaluations and nothing else that is to be replaced; `NOT_FOUND` where the folder above it is
   * not there, and `USAGE` for the root of a volume.
   */
  static async create(
    given: string,
    { replace = false }: EvaluationFolderOptions = {},
  ): Promise<EvaluationFolder> {
    const out = await finalPlace(given);
    await checkPlace(out, replace);
    await clearFoldersBeside(out);
    return new EvaluationFolder(out, await makeFolderBeside(out), replace);
  }

  /** Puts in the one evaluation that the folder is of, or one of several, in a folder of its own that is named by `names`. */
  async add(saved: EvaluationToSave, names: readonly string[] = []): Promise<void> {
    const name = folderName(names);
    const folder = join(this.#beside, name);
    if (name !== '') {
      this.#folders.push(name);
      await mkdir(folder);
    }
    await writeEvaluation(folder, saved);
    await syncFolder(folder);
  }

  /**
   * Gives the folder its name; where it is of several, with their common `record`. Throws `ALREADY_EXISTS` where something has
   * come to be there that is not to be replaced.
   */
  async finish(record: object): Promise<void> {
    const folders = this.#folders;
    if (folders.length > 0) {
      const head = { format: 'quern evaluations', version: 1, quern: quernVersion() };
      const whole = { ...head, created: new Date().toISOString(), folders, ...record };
      await writeLines(join(this.#beside, severalFile), [JSON.stringify(whole, null, 1)]);
    }
    await syncFolder(this.#beside);
    await checkPlace(this.#out, this.#replaces);
    const old = (await namesIn(this.#out))?.length ? pathBeside(this.#out) : undefined;
    try {
      if (old !== undefined) await rename(this.#out, old);
      await rename(this.#beside, this.#out);
    } catch (error) {
      if (old !== undefined) await rename(old, this.#out).catch(() => undefined);
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') throw inTheWay(this.#out, 'exists already');
      throw fileError(error, this.#out);
    }
    await syncFolder(dirname(this.#out));
    if (old !== undefined) await removeFolderBeside(old);
  }

  /** Removes what is not finished. Does no harm afterwards. */
  async discard(): Promise<void> {
    await removeFolderBeside(this.#beside);
  }
}

/**
 * A folder's name that any file system takes, from what tells an evaluation from the others; distinct for distinct `names`. Empty for
 * none.
 */
export function folderName(names: readonly string[]): string {
  return names.map(safeName).join('+');
}

function safeName(name: string): string {
  const safe = name
    .replace(/^(?:file|llama|torch):(?:.*\/)?/su, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(-48)
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return safe === name ? name : `${safe === '' ? 'run' : safe}-${contentId(name).slice(0, 8)}`;
}

/** Where the folder is to be, links followed: what is made beside it has to lie on the same volume. */
async function finalPlace(given: string): Promise<string> {
  const path = resolve(given);
  const found = await lstat(path).catch(() => undefined);
  if (!found) {
    await checkFolderOf(path);
    return path;
  }
  return realpath(path).catch(() => {
    throw inTheWay(path, 'is a link that leads to nothing');
  });
}

async function checkPlace(out: string, replace: boolean): Promise<void> {
  const names = await namesIn(out);
  if (names === undefined) return;
  if ((await stat(out)).dev !== (await stat(dirname(out))).dev) {
    throw new QuernError('USAGE', 'is the root of a volume, and a finished folder cannot be moved into it', {
      where: out,
      hint: `Choose a folder in it, such as ${join(out, 'evaluation')}`,
    });
  }
  if (names.length === 0) return;
  const isSaved = names.includes(evaluationFiles.record) || names.includes(severalFile);
  if (!isSaved) throw inTheWay(out, 'exists already, and is no saved evaluation');
  if (!replace)
    throw inTheWay(out, 'holds a saved evaluation already', 'Replace it with --replace, or choose');
  const foreign = await foreignIn(out);
  if (foreign === undefined) return;
  throw inTheWay(
    out,
    `holds ${JSON.stringify(foreign)} beside saved evaluations`,
    'Move that away, or choose',
  );
}

/** The names in a folder; undefined where there is nothing. Throws `ALREADY_EXISTS` for what is no folder. */
async function namesIn(out: string): Promise<string[] | undefined> {
  try {
    return await readdir(out);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw inTheWay(out, 'is a file; an evaluation is saved in a folder');
    throw fileError(error, out);
  }
}

/** The first thing in a folder that no evaluation has put there. */
async function foreignIn(out: string): Promise<string | undefined> {
  const files: readonly string[] = Object.values(evaluationFiles);
  const entries = await readdir(out, { withFileTypes: true });
  const isOfSeveral = entries.some(({ name }) => name === severalFile);
  for (const entry of entries) {
    const { name } = entry;
    if (isOfSeveral && entry.isDirectory()) {
      const inner = await readdir(join(out, name), { withFileTypes: true });
      const foreign = inner.find((each) => !each.isFile() || !files.includes(each.name));
      if (foreign || inner.length === 0) return foreign ? `${name}/${foreign.name}` : name;
    } else if (!entry.isFile() || !(isOfSeveral ? [severalFile] : files).includes(name)) return name;
  }
  return undefined;
}

function inTheWay(where: string, what: string, otherwise = 'Choose'): QuernError {
  return new QuernError('ALREADY_EXISTS', what, { where, hint: `${otherwise} another folder` });
}
