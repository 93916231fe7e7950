import { QuernError } from '../../errors.ts';
import { inOrder } from '../../in-order.ts';
import { openInside } from '../../inside-folder.ts';
import { fileState } from '../../models/file-memo.ts';
import { RecentlyUsed } from '../../recently-used.ts';
import { shortened } from '../../report/words.ts';
import { Admission } from '../service/admission.ts';
import { foundFolders, type FolderLimits } from '../runs/found-folders.ts';
import { KnownFolders, problemOf, readable, type KnownFolder } from '../runs/known-folders.ts';
import { curateCommand } from './curate-command.ts';
import { questionPage, type PageReading, type QuestionPage, type QuestionsAsked } from './question-page.ts';
import type { SetRecord } from './set-answers.ts';
import { readSetRecord, recordFile } from './set-record.ts';
import { shownRecord } from './shown-record.ts';

type KnownSet = KnownFolder<'set'>;

/** A record as it was read, and when it was written, in milliseconds since 1970. */
interface ReadRecord {
  readonly state: string;
  readonly written: number;
  readonly record: SetRecord;
}

/** A set that can be read, as it is listed. */
export interface ListedSet {
  readonly id: string;
  readonly name: string;
  readonly questions: number;
  /** Questions that were read before any was left out. */
  readonly read: number;
  readonly positives: number;
  readonly splits: SetRecord['splits'];
  /** The first of them. */
  readonly domains: readonly string[];
  readonly domainCount: number;
  readonly written: number;
}

/** A set as it is listed; of one that cannot be read, why. */
export type SetEntry = ListedSet | { readonly id: string; readonly name: string; readonly problem: string };

/** All that is told of a set. */
export interface SetAnswer extends ListedSet {
  readonly record: SetRecord;
  /** The command that makes such a set; names stand for folders, and no address is in it. */
  readonly command: string;
}

/** Requests for questions: one is read for, and so many wait, for so many milliseconds. */
const readingLimits = { concurrent: 1, waiting: 16, deadline: 30_000 };

const readAtOnce = 8;
const keptRecords = 200;
const listedDomains = 20;
/**
 * The curated sets in the folders that a configuration declares, by ids which are hashes of where they lie, as those of runs are. What
 * cannot be read is no failure of the service: it throws `NOT_FOUND` for what is not there, and `UNAVAILABLE` for what is damaged or
 * too large.
 */
export class Sets {
  readonly #known: KnownFolders<'set'>;
  readonly #records = new RecentlyUsed<string, ReadRecord>(keptRecords);
  /** Questions are read for one request at a time: a row group is in memory as a whole. */
  readonly #reading = new Admission('requests for questions of sets', readingLimits);

  constructor(folders: readonly string[], limits: FolderLimits = {}) {
    this.#known = new KnownFolders(() => foundFolders(folders, kindOf, limits));
  }

  /** All sets. */
  async list(): Promise<{ readonly sets: readonly SetEntry[]; readonly isCut: boolean }> {
    const { folders, isCut } = await this.#known.all();
    const sets: SetEntry[] = [];
    for await (const entry of inOrder(folders, readAtOnce, (set) => this.#entry(set))) sets.push(entry);
    return { sets, isCut };
  }

  /** All that the record of a set says. */
  async set(id: string): Promise<SetAnswer> {
    const known = await this.#set(id);
    const read = await readable('the set', this.#record(known));
    const record = shownRecord(read.record);
    return { ...listed(known, read), record, command: curateCommand(record) };
  }

  /** Questions of a set. Throws `OVERLOADED` where too many wait already, and `ABORTED`. */
  async questions(id: string, asked: QuestionsAsked, reading: PageReading = {}): Promise<QuestionPage> {
    const { folder } = await this.#set(id);
    return this.#reading.run(() => readable('the set', this.#page(folder, asked, reading)), reading.signal);
  }

  async #page(
    folder: string,
    { split, ...asked }: QuestionsAsked,
    reading: PageReading,
  ): Promise<QuestionPage> {
    const name = `${split}.parquet`;
    const file = await openInside(folder, name);
    if (file === undefined) throw new QuernError('NOT_FOUND', `the set has no ${name}`);
    try {
      return await questionPage(file, name, asked, reading);
    } finally {
      await file.close();
    }
  }

  async #set(id: string): Promise<KnownSet> {
    const set = await this.#known.byId(id);
    if (set === undefined) throw new QuernError('NOT_FOUND', 'there is no such set');
    return set;
  }

  async #entry(set: KnownSet): Promise<SetEntry> {
    try {
      return listed(set, await this.#record(set));
    } catch (error) {
      return { id: set.id, name: set.name, problem: problemOf(error) };
    }
  }

  async #record({ folder }: KnownSet): Promise<ReadRecord> {
    const file = await openInside(folder, recordFile);
    if (file === undefined) throw new QuernError('NOT_FOUND', `there is no ${recordFile}`);
    try {
      const { text: state, changed: written } = fileState(folder, await file.stat({ bigint: true }));
      const kept = this.#records.get(folder);
      if (kept?.state === state) return kept;
      const read = { state, written, record: await readSetRecord(file) };
      this.#records.set(folder, read);
      return read;
    } finally {
      await file.close();
    }
  }
}

function kindOf(names: readonly string[]): 'set' | undefined {
  return names.includes(recordFile) ? 'set' : undefined;
}

function listed({ id, name }: KnownSet, { written, record }: ReadRecord): ListedSet {
  const { splits, positives, domains, stages } = record;
  return {
    id,
    name,
    questions: splits.train + splits.validation + splits.test,
    read: stages.at(0)?.questionsIn ?? 0,
    positives,
    splits,
    domains: domains.slice(0, listedDomains).map(({ domain }) => shortened(domain, 100)),
    domainCount: domains.length,
    written,
  };
}
