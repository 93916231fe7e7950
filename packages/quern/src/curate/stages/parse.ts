/**
 * The first stage: the sources' posts, spread over files so that each question comes to lie with its answers. It is gone
 * on with where it was: from time to time it notes how far it is in the sources, and how long its files are.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from '../../byte-order.ts';
import { throwIfAborted } from '../../errors.ts';
import { writeLines } from '../../whole-file.ts';
import { silentWork, type OnWork } from '../../work.ts';
import { LeastNumbers, lotOf } from '../draw.ts';
import { FaultCounts, type Fault } from '../faults.ts';
import type { Post } from '../post.ts';
import { PostSpill, spillFiles } from '../post-spill.ts';
import { sourceStart, type PostSource, type SourcePosition } from '../sources/post-source.ts';
import type { StageRecord } from '../stage-record.ts';
import type { StagePlace } from '../work-folder.ts';

/** How the posts are read. */
export interface ParseSettings {
  readonly seed: number;
  /** The domains that are taken; all where there are none. */
  readonly domains?: readonly string[];
  /** How many questions of a domain are taken at most, drawn by lot; all where it is not given. */
  readonly candidates?: number;
}

/** What listens while it goes on. */
export interface ParseOptions extends ParseSettings {
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** Bytes of a source between two notes of how far it is. */
const notedEvery = 64 << 20;

/** How far the stage was when it noted it. */
interface Note {
  readonly source: number;
  readonly position: SourcePosition;
  readonly bytes: readonly number[];
  readonly counts: Readonly<Record<'questions' | 'answers' | 'taken' | 'otherDomain' | 'notDrawn', number>>;
  readonly faults: readonly Fault[];
  readonly draws: readonly {
    readonly domain: string;
    readonly kept: readonly number[];
    readonly limit: number | null;
  }[];
}

/** Reads all posts of `sources` into the stage's folder. Throws what reading a source throws. */
export async function parseStage(
  sources: readonly PostSource[],
  { folder }: StagePlace,
  options: ParseOptions,
): Promise<ParseRecord> {
  const total = sources.reduce((sum, source) => sum + plainBytes(source), 0);
  const noted = await readNote(folder);
  const note = noted && (await PostSpill.holds(folder, noted.bytes)) ? noted : undefined;
  const parse = new Parse(new PostSpill(folder, spillFiles(total), note?.bytes), options, note);
  await parse.spill.restore();
  const begun = note?.source ?? 0;
  for (const [i, source] of sources.entries()) {
    if (i < begun) continue;
    const from = i === begun ? (note?.position ?? sourceStart) : sourceStart;
    const work = options.onWork?.(`reading ${source.title}`, source.bytes ?? 0) ?? silentWork;
    try {
      let notedBytes: number | undefined;
      for await (const batch of source.read(from, { faults: parse.faults, signal: options.signal })) {
        throwIfAborted(options.signal);
        for (const post of batch.posts) parse.add(post);
        await parse.spill.settle();
        work.update(batch.doneBytes);
        notedBytes ??= batch.doneBytes;
        if (batch.doneBytes - notedBytes < notedEvery) continue;
        notedBytes = batch.doneBytes;
        await parse.note(folder, i, batch.position);
      }
    } finally {
      work.stop();
    }
    await parse.note(folder, i + 1, sourceStart);
  }
  return parse.record();
}

/** What the first stage came to. */
export interface ParseRecord extends StageRecord {
  /** How many files the posts lie in. */
  readonly files: number;
  /** The lots that a domain's questions must not exceed, where some were not drawn. */
  readonly limits: Readonly<Record<string, number>>;
}

/** A post as the files have it. */
export type SpilledPost = Post & {
  /** The lot of its question. */
  readonly draw: number;
};

/** About how many bytes of posts a source holds, where it is compressed. */
function plainBytes({ kind, name, bytes, file }: PostSource): number {
  if (kind === 'preferences') return 4 * (bytes ?? 0);
  return name.endsWith('.gz') ? 8 * (file?.bytes ?? 0) : (bytes ?? 0);
}

class Parse {
  readonly spill: PostSpill;
  readonly faults: FaultCounts;
  readonly #counts: {
    questions: number;
    answers: number;
    taken: number;
    otherDomain: number;
    notDrawn: number;
  };
  readonly #draws: Map<string, LeastNumbers>;
  readonly #seed: number;
  readonly #domains: ReadonlySet<string> | undefined;
  readonly #candidates: number | undefined;

  constructor(spill: PostSpill, { seed, domains, candidates }: ParseSettings, note?: Note) {
    this.spill = spill;
    this.faults = new FaultCounts(note?.faults);
    this.#counts = { questions: 0, answers: 0, taken: 0, otherDomain: 0, notDrawn: 0, ...note?.counts };
    this.#seed = seed;
    this.#domains = domains && new Set(domains);
    this.#candidates = candidates;
    this.#draws = new Map(
      (note?.draws ?? []).map(({ domain, kept, limit }) => [
        domain,
        new LeastNumbers(candidates!, kept, limit ?? Infinity),
      ]),
    );
  }

  add(post: Post): void {
    const isQuestion = post.kind === 'question';
    this.#counts.questions += isQuestion ? 1 : 0;
    this.#counts.answers += isQuestion ? (post.answers?.length ?? 0) : 1;
    if (this.#domains && !this.#domains.has(post.domain)) {
      if (isQuestion) this.#counts.otherDomain++;
      return;
    }
    const { draw, place } = lotOf(isQuestion ? post.id : post.question, this.#seed);
    const least = this.#leastOf(post.domain);
    if (least && isQuestion) least.add(draw);
    if (least && draw > least.limit) {
      if (isQuestion) this.#counts.notDrawn++;
      return;
    }
    if (isQuestion) this.#counts.taken++;
    this.spill.add(place, JSON.stringify({ draw, ...post } satisfies SpilledPost));
  }

  #leastOf(domain: string): LeastNumbers | undefined {
    if (this.#candidates === undefined) return undefined;
    let least = this.#draws.get(domain);
    if (!least) {
      least = new LeastNumbers(this.#candidates);
      this.#draws.set(domain, least);
    }
    return least;
  }

  async note(folder: string, source: number, position: SourcePosition): Promise<void> {
    await this.spill.write();
    const note: Note = {
      source,
      position,
      bytes: this.spill.bytes,
      counts: this.#counts,
      faults: this.faults.list(),
      draws: Array.from(this.#draws, ([domain, draw]) => {
        const { kept, limit } = draw.state;
        return { domain, kept, limit: Number.isFinite(limit) ? limit : null };
      }),
    };
    await writeLines(join(folder, 'note.json'), [JSON.stringify(note)]);
  }

  record(): ParseRecord {
    const limits: Record<string, number> = {};
    for (const [domain, draw] of [...this.#draws].sort(([a], [b]) => compareBytes(a, b))) {
      draw.settle();
      if (Number.isFinite(draw.limit)) limits[domain] = draw.limit;
    }
    const { questions, answers, taken, otherDomain, notDrawn } = this.#counts;
    return {
      stage: 'parse',
      questionsIn: questions,
      questionsOut: taken,
      dropped: {
        ...(otherDomain > 0 && { 'another domain': otherDomain }),
        ...(notDrawn > 0 && { 'not drawn': notDrawn }),
      },
      counts: { questions, answers },
      faults: this.faults.list(),
      files: this.spill.bytes.length,
      limits,
    };
  }
}

async function readNote(folder: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'note.json'), 'utf8')) as Note;
  } catch {
    return undefined;
  }
}
