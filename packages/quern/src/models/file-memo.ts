import { createHash, randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '../private-folder.ts';

/** What a file is known by, without reading it. */
export interface FileState {
  /** Its path without links. */
  readonly place: string;
  /** Place, size, times and inode: another text where the file may be another. One line. */
  readonly text: string;
  readonly bytes: number;
  /** When its content changed last, in milliseconds since 1970. */
  readonly changed: number;
}

/** A file that changed this recently, in milliseconds, may change again without another time of its last change. */
const recent = 2000;

/** The state of the file at `place`, a path without links. */
export function fileState(place: string, stats: BigIntStats): FileState {
  const { size, mtimeNs, ctimeNs, dev, ino, mtimeMs } = stats;
  // The time of the last change of any kind is in it too, as that of the content can be set by hand.
  const text = JSON.stringify([place, ...[size, mtimeNs, ctimeNs, dev, ino].map(String)]);
  return { place, text, bytes: Number(size), changed: Number(mtimeMs) };
}

/** Whether what is found out about a file from the time `started` on, in milliseconds, may be remembered of its state. */
export function isSettled({ changed }: FileState, started: number): boolean {
  return started - changed > recent;
}

/**
 * The memory of one fact, a line of text, about files in the state that they are in: `kind` is the folder in the cache's
 * folder where it lies. Nothing of it is needed: where it cannot be read, is damaged or of another state, there is no fact,
 * and where it cannot be written, none is kept.
 */
export class FileMemo {
  readonly #path: string;
  readonly #state: string;

  constructor(
    states: readonly FileState[],
    { folder, kind, ending }: { readonly folder: string; readonly kind: string; readonly ending: string },
  ) {
    const places = states.map(({ place }) => place).join('\0');
    this.#path = join(folder, kind, `${sha256(places).slice(0, 32)}${ending}`);
    this.#state = states.map(({ text }) => text).join(',');
  }

  /** What is remembered; undefined where nothing is. */
  async fact(): Promise<string | undefined> {
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    const [of, fact, check, ...rest] = text.split('\n');
    const isWhole = rest.length === 1 && rest[0] === '' && check === sha256(`${of}\n${fact}`);
    return isWhole && of === this.#state ? fact : undefined;
  }

  async remember(fact: string): Promise<void> {
    const passing = `${this.#path}.${randomUUID()}.tmp`;
    const lines = `${this.#state}\n${fact}`;
    try {
      await makePrivateFolder(dirname(this.#path));
      const whole = `${lines}\n${sha256(lines)}\n`;
      await writeFile(passing, whole, { flag: 'wx', mode: 0o600, flush: true });
      await rename(passing, this.#path);
    } catch {
      await rm(passing, { force: true }).catch(() => undefined);
    }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
