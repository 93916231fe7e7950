/**
 * One writer of a thing (an index, a file being downloaded) at a time, over all processes of a machine: a lock file says
 * who it is. A file is used and not a lock of the system, as Node has none; so the lock of a process that was killed has
 * to be taken over by exactly one of those who find it.
 *
 * Every lock has a token of its own. Who finds a dead one's, T, links its own lock to `LOCK.after-T`, which only one can
 * do at a time, and then looks again: as long as `LOCK` is T's, no other has come through here, because that one would
 * have renamed its own lock over it before removing `after-T`. So it may now do the same. Should it die in between, the
 * next one follows it, U, by `LOCK.after-U`.
 */
import { randomBytes } from 'node:crypto';
import { link, lstat, open, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileError, QuernError } from './errors.ts';
import { bootId, processState } from './process-state.ts';

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  /** When the process began, where the system tells; a process number can be another's later. */
  readonly started?: string;
  readonly host: string;
  /** What process numbers count in, where the system tells: those of a container mean nothing outside of it. */
  readonly namespace?: string;
  readonly token: string;
}

/** What a lock guards, as its errors name it. */
export interface Guarded {
  /** Its kind, such as `index`. */
  readonly kind: string;
  /** Where it is. */
  readonly where: string;
}

/** A lock by a file, held until it is released or this process ends. */
export class ProcessLock {
  readonly #path: string;
  readonly #token: string;

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
  }

  /**
   * Takes the lock that is the file `path`, whose folder exists; what passes on the way to it has names that begin with
   * `path` and a dot. Throws `LOCKED` naming the process that holds it, also when that is this one.
   */
  static async acquire(path: string, guarded: Guarded): Promise<ProcessLock> {
    const token = randomBytes(8).toString('hex');
    const own: Holder = {
      pid: process.pid,
      started: (await processState(process.pid))?.started,
      host: hostname(),
      namespace: await processNamespace(),
      token,
    };
    const draft = `${path}.own-${token}`;
    try {
      for (;;) {
        // Again each time, as one who got the lock may have cleared it away.
        await writeDurable(draft, JSON.stringify(own));
        if (await isLinked(draft, path)) break;
        const holders = await holdersOf(path, guarded);
        const last = holders.at(-1);
        if (!last) continue;
        if (await isAlive(last)) throw lockedBy(path, guarded, last, own);
        const claim = afterPath(path, last);
        if (!(await isLinked(draft, claim))) continue;
        if (areSame(await holdersOf(path, guarded), [...holders, own])) {
          await rename(draft, path);
          break;
        }
        await rm(claim, { force: true });
      }
      const lock = new ProcessLock(path, token);
      try {
        for (const name of await readdir(dirname(path))) {
          if (isOfLock(name, basename(path))) await rm(join(dirname(path), name), { force: true });
        }
      } catch (error) {
        await lock.release();
        throw error;
      }
      return lock;
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw fileError(error, guarded.where);
    }
  }

  /**
   * {@link acquire}, once nobody else holds the lock. `pause` is awaited between two tries, with the error that says who
   * does; it ends the waiting by throwing.
   */
  static async acquireInTurn(
    path: string,
    guarded: Guarded,
    pause: (locked: QuernError) => Promise<void>,
  ): Promise<ProcessLock> {
    for (;;) {
      try {
        return await ProcessLock.acquire(path, guarded);
      } catch (error) {
        if (!(error instanceof QuernError) || error.code !== 'LOCKED') throw error;
        await pause(error);
      }
    }
  }

  /** Releases the lock. Doing so twice does no harm. */
  async release(): Promise<void> {
    const holder = await holderAt(this.#path, { kind: 'lock', where: this.#path });
    if (holder?.token === this.#token) await rm(this.#path, { force: true }).catch(() => undefined);
  }
}

/** The holder of the lock and, where it died, those who took it over and died before they were done. */
async function holdersOf(path: string, guarded: Guarded): Promise<Holder[]> {
  const holders: Holder[] = [];
  let holder = await holderAt(path, guarded);
  while (holder) {
    const { token } = holder;
    // None follows itself, unless somebody made these files by hand.
    if (holders.some((earlier) => earlier.token === token)) throw unreadable(path, guarded);
    holders.push(holder);
    holder = await holderAt(afterPath(path, holder), guarded);
  }
  return holders;
}

function areSame(some: readonly Holder[], others: readonly Holder[]): boolean {
  return some.length === others.length && some.every(({ token }, i) => token === others[i].token);
}

/** Whether a file is one of those that taking the lock `lock` in turns leaves. */
export function isOfLock(name: string, lock: string): boolean {
  return name.startsWith(`${lock}.`) && /^(?:own|after)-[0-9a-f]{16}$/.test(name.slice(lock.length + 1));
}

function afterPath(path: string, { token }: Holder): string {
  return `${path}.after-${token}`;
}

async function holderAt(path: string, guarded: Guarded): Promise<Holder | undefined> {
  let json: string;
  try {
    // Reading a pipe would wait for a writer, and a link may lead nowhere.
    if (!(await lstat(path)).isFile()) throw unreadable(path, guarded);
    json = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { pid, started, host, namespace, token } = JSON.parse(json) as Partial<Holder>;
    if (
      Number.isSafeInteger(pid) &&
      pid! > 0 &&
      typeof host === 'string' &&
      /^[0-9a-f]{16}$/.test(token ?? '')
    ) {
      return { pid: pid!, started, host, namespace, token: token! };
    }
  } catch {
    // Nobody's, below.
  }
  throw unreadable(path, guarded);
}

function unreadable(path: string, { kind }: Guarded): QuernError {
  return new QuernError('LOCKED', 'is being written, by whom cannot be read', {
    where: path,
    hint: `If nobody writes to this ${kind}, remove this file`,
  });
}

function lockedBy(
  path: string,
  { kind, where }: Guarded,
  { pid, host, namespace }: Holder,
  own: Holder,
): QuernError {
  const here = host === own.host && namespace === own.namespace;
  const who =
    pid === process.pid && here
      ? 'this process'
      : `process ${pid}${here ? '' : ` on ${host}${host === own.host ? ', in another container' : ''}`}`;
  return new QuernError('LOCKED', `is being written by ${who}`, {
    where,
    hint: here
      ? `Wait until it is done: this ${kind} has one writer at a time`
      : `Wait until it is done; if it is gone, remove ${path}`,
  });
}

/** Whether the process may still be there; of another machine's that cannot be known. */
async function isAlive({ pid, started, host, namespace }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  const boot = await bootId();
  if (boot !== undefined && started !== undefined && !started.startsWith(boot)) return false;
  if (namespace !== undefined && namespace !== (await processNamespace())) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = await processState(pid);
  if (!state) return true;
  return !state.ended && (started === undefined || started === state.started);
}

/** The system's name for the process numbers that count here, where it tells. */
function processNamespace(): Promise<string | undefined> {
  return readlink('/proc/self/ns/pid').catch(() => undefined);
}

async function writeDurable(path: string, content: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives the file at `draft` the name `path` too; false where that is taken, or the draft gone. */
async function isLinked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error;
  }
  // A volume without links, such as exFAT.
  return writeFile(path, await readFile(draft), { flag: 'wx', flush: true }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}
