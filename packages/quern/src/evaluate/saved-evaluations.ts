import type { FileHandle } from 'node:fs/promises';
import { compareHits } from '../collections/ranking-order.ts';
import { qrelsLine } from '../collections/trec-qrels.ts';
import { runLine } from '../collections/trec-run.ts';
import { QuernError } from '../errors.ts';
import { firstText, openInside } from '../inside-folder.ts';
import { fileState } from '../models/file-memo.ts';
import { RecentlyUsed } from '../recently-used.ts';
import {
  evaluationFiles,
  evaluationHeadSchema,
  savedTopicSchema,
  savedTopicTextSchema,
  type EvaluationHead,
  type SavedHit,
  type SavedTopic,
  type SavedTopicRecord,
  type SavedTopicText,
} from './saved-evaluation.ts';
import { TopicLines } from './topic-lines.ts';

/** What was read of `evaluation.json`, whose topics are checked when they are asked for: there can be many. */
interface ReadRecord {
  readonly head: EvaluationHead;
  readonly topics: readonly unknown[];
}

/** `evaluation.json` is read as a whole. */
const mostBytes = 16 << 20;

/**
 * Reads saved evaluations, given as the real paths of their folders, through no link and in bounded memory; what was read is
 * remembered as long as the files are as they were. Everything throws `NOT_FOUND` where a file is not there, `CORRUPT_FILE` where it
 * cannot be read as what it should be, `UNSUPPORTED` for what is too large, and `WRONG_VERSION`.
 */
export class SavedEvaluations {
  readonly #heads = new RecentlyUsed<string, { readonly state: string; readonly head: EvaluationHead }>(2000);
  readonly #records = new RecentlyUsed<string, ReadRecord & { readonly state: string }>(4);
  readonly #lines = new RecentlyUsed<string, { readonly state: string; readonly lines: Promise<TopicLines> }>(
    24,
  );

  /** What an evaluation says of itself. */
  async head(folder: string): Promise<EvaluationHead> {
    return withFile(folder, evaluationFiles.record, async (file, state) => {
      const known = this.#heads.get(folder);
      if (known?.state === state) return known.head;
      const { head } = await readRecord(file);
      this.#heads.set(folder, { state, head });
      return head;
    });
  }

  /**
   * Its topics in the byte order of their ids, `limit` at most, those before `from` left out; `total` is how many there are, `created`
   * when it was saved: one that is saved anew has other topics.
   */
  async topics(
    folder: string,
    from: number,
    limit: number,
  ): Promise<{ readonly created: string; readonly total: number; readonly topics: readonly SavedTopic[] }> {
    const { head, topics } = await this.#record(folder);
    return {
      created: head.created,
      total: topics.length,
      topics: topics.slice(from, from + limit).map(checkedTopic),
    };
  }

  /** All of a topic, the best `k` of its ranking; undefined where there is no such topic. */
  async topic(folder: string, id: string, k: number): Promise<SavedTopicRecord | undefined> {
    const { topics } = await this.#record(folder);
    const found = topics.find((topic) => (topic as { readonly id?: unknown } | null)?.id === id);
    if (found === undefined) return undefined;
    const saved = checkedTopic(found);
    const faults = { unreadable: 0 };
    const line = (await this.#topicLines(folder, evaluationFiles.topics, id, topicOfText)).at(0);
    const text = line === undefined ? undefined : orFault(() => topicText(line, id), faults);
    const judged = (await this.#topicLines(folder, evaluationFiles.qrels, id, firstField)).flatMap(
      (each) => orFault(() => ofTopic(qrelsLine(each, id), id), faults) ?? [],
    );
    const levels = new Map(judged.map(({ document, level }) => [document, level]));
    const hits = (await this.#topicLines(folder, evaluationFiles.run, id, firstField))
      .flatMap((each) => orFault(() => ofTopic(runLine(each, id), id), faults) ?? [])
      .map(({ document, score }) => ({ id: document, score }))
      .sort(compareHits)
      .map((hit, i): SavedHit => {
        const level = levels.get(hit.id);
        return { ...hit, rank: i + 1, ...(level !== undefined && { level }) };
      });
    const ranks = new Map(hits.map((hit) => [hit.id, hit.rank]));
    const relevant = judged
      .filter(({ level }) => level > 0)
      .sort((a, b) => b.level - a.level)
      .map(({ document, level }) => {
        const rank = ranks.get(document);
        return { id: document, level, ...(rank !== undefined && { rank }) };
      });
    return { ...saved, ...text, ranking: hits.slice(0, k), retrieved: hits.length, relevant, ...faults };
  }

  /** Opens `run.trec`, which is the caller's to close. */
  async openRun(folder: string): Promise<FileHandle> {
    return opened(folder, evaluationFiles.run);
  }

  #record(folder: string): Promise<ReadRecord> {
    return withFile(folder, evaluationFiles.record, async (file, state) => {
      const known = this.#records.get(folder);
      if (known?.state === state) return known;
      const record = await readRecord(file);
      this.#records.set(folder, { state, ...record });
      return record;
    });
  }

  async #topicLines(
    folder: string,
    name: string,
    topic: string,
    topicOf: (line: Buffer) => string | undefined,
  ): Promise<string[]> {
    return withFile(folder, name, async (file, state) => {
      const key = `${name} ${folder}`;
      let known = this.#lines.get(key);
      if (known?.state !== state) {
        // Who asks meanwhile waits for the same.
        known = { state, lines: TopicLines.of(file, topicOf) };
        this.#lines.set(key, known);
        known.lines.catch(() => this.#lines.delete(key));
      }
      return (await known.lines).read(file, topic);
    });
  }
}

async function opened(folder: string, name: string): Promise<FileHandle> {
  const file = await openInside(folder, name).catch((cause: unknown) => {
    throw new QuernError('CORRUPT_FILE', `${name} cannot be opened`, { cause });
  });
  if (file === undefined) throw new QuernError('NOT_FOUND', `there is no ${name}`);
  return file;
}

/** What `read` makes of a file and the text that stands for its state. */
async function withFile<T>(
  folder: string,
  name: string,
  read: (file: FileHandle, state: string) => Promise<T>,
): Promise<T> {
  const file = await opened(folder, name);
  try {
    return await read(file, fileState(folder, await file.stat({ bigint: true })).text);
  } catch (error) {
    if (error instanceof QuernError) throw error;
    throw new QuernError('CORRUPT_FILE', `${name} cannot be read`, { cause: error });
  } finally {
    await file.close();
  }
}

async function readRecord(file: FileHandle): Promise<ReadRecord> {
  const { record } = evaluationFiles;
  const { text, isCut } = await firstText(file, mostBytes);
  if (isCut) throw new QuernError('UNSUPPORTED', `${record} is larger than ${mostBytes} bytes`);
  const value: unknown = JSON.parse(text);
  const { format, version, topics } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (format === 'quern evaluation' && version !== 1) {
    throw new QuernError('WRONG_VERSION', `${record} is of another version`);
  }
  const checked = evaluationHeadSchema.safeParse(value);
  if (checked.success && Array.isArray(topics)) return { head: checked.data, topics };
  throw new QuernError('CORRUPT_FILE', `${record} is no saved evaluation`, { cause: checked.error });
}

function checkedTopic(topic: unknown): SavedTopic {
  const { success, data, error } = savedTopicSchema.safeParse(topic);
  if (success) return data;
  throw new QuernError('CORRUPT_FILE', `${evaluationFiles.record} has a topic that is none`, {
    cause: error,
  });
}

function firstField(line: Buffer): string | undefined {
  const end = line.findIndex((byte) => byte === 0x20 || byte === 0x09);
  return end > 0 ? line.toString('utf8', 0, end) : undefined;
}

function topicOfText(line: Buffer): string | undefined {
  try {
    return savedTopicTextSchema.parse(JSON.parse(line.toString('utf8')))._id;
  } catch {
    return undefined;
  }
}

function topicText(line: string, id: string): Omit<SavedTopicText, '_id'> | undefined {
  const { _id, ...text } = JSON.parse(line) as SavedTopicText;
  return _id === id ? text : undefined;
}

/** A line, where it is one of the topic. */
function ofTopic<T extends { readonly topic: string }>(line: T | undefined, id: string): T | undefined {
  return line?.topic === id ? line : undefined;
}

/** What `read` reads; where it cannot, that is counted. */
function orFault<T>(read: () => T, faults: { unreadable: number }): T | undefined {
  try {
    return read();
  } catch {
    faults.unreadable++;
    return undefined;
  }
}
