import { basename, join } from 'node:path';
import { pathKindIfAny } from '../collections/files.ts';
import { QuernError } from '../errors.ts';
import { ProcessLock } from '../process-lock.ts';
import { protectedTexts } from './against.ts';
import { settingsOf, type CurateOptions, type CurateSettings } from './curate-options.ts';
import type { Curation, SourceFacts } from './curation.ts';
import { markDropped, readDropped } from './dropping.ts';
import { finishedSet, lackingOf } from './finished-set.ts';
import { checkApart, handOut, isHandingOut, isThere, realTarget, removeWork } from './output-folders.ts';
import { positivesOf } from './positives.ts';
import { PostSpill } from './post-spill.ts';
import { differences, recordedOptions } from './recorded-options.ts';
import { QuestionSet } from './question-set.ts';
import { sourceFacts } from './source-facts.ts';
import { openSources } from './sources.ts';
import type { PostSource } from './sources/post-source.ts';
import type { Dropped, StageName, StageRecord } from './stage-record.ts';
import { decontaminateStage } from './stages/decontaminate.ts';
import { duplicatesStage } from './stages/duplicates.ts';
import { filterStage } from './stages/filter.ts';
import { parseStage } from './stages/parse.ts';
import { positivesStage } from './stages/positives.ts';
import { readReasoned, reasonStage } from './stages/reason.ts';
import { sampleStage } from './stages/sample.ts';
import type { ChosenPositives } from './split-input.ts';
import { resultFolder, retrievalFolder, splitStage } from './stages/split.ts';
import { textStage } from './stages/text.ts';
import { WorkFolder } from './work-folder.ts';

/** What a run came to. */
export interface CurateResult {
  readonly out: string;
  /** The stages that are done, those of earlier runs among them. */
  readonly stages: readonly StageRecord[];
  /** All that was found; undefined where the run was to stop before its end, or where the data set was there already. */
  readonly curation?: Curation;
  /** Whether the very data set was there already. */
  readonly wasThere: boolean;
  /** The folder of the work, where it is left. */
  readonly work?: string;
}

/**
 * Curates a training set from the sources that `names` name (`openSources`), stage by stage, into the folder `out`:
 * Parquet files of each split, a record, a card and a report. Each stage is kept in `OUT.work` when it is done, so that a
 * run that was broken off at any moment goes on, and comes to the same bytes. Where the same data set from the same
 * sources is in `out` already, it is left.
 *
 * Throws `USAGE` for settings that do not go together, `ALREADY_EXISTS` where `out` (or the folder for retrieval) holds
 * anything else, `LOCKED` where another process is at it, `BAD_INPUT` where no question is left, and what reading the
 * sources throws.
 */
export async function curate(names: readonly string[], options: CurateOptions): Promise<CurateResult> {
  if (names.length === 0) throw new QuernError('USAGE', 'no source is named');
  const { signal, warnings } = options;
  if (options.out === '') throw new QuernError('USAGE', 'is empty', { where: '--out' });
  const out = await realTarget(options.out);
  const retrieval = options.retrieval === undefined ? undefined : await realTarget(options.retrieval);
  if (retrieval !== undefined) checkApart(out, retrieval);
  const { sites, corpus, domains } = options;
  const sources = await openSources(names, { sites, corpus, domains, signal, warnings });
  const settings = settingsOf(sources, options);
  const { against = [], data } = options;
  const guarded = await protectedTexts({ against, data, signal, warnings });
  const recorded = recordedOptions(settings, options, guarded.texts.identity);
  const facts = await sourceFacts(sources);
  const there = await finishedSet(out);
  if (there) {
    const lacking = await lackingOf(there, out, retrieval);
    const differing = differences(there, recorded, facts);
    if (differing.length > 0 || lacking !== undefined) {
      const what =
        differing.length > 0
          ? `holds a data set made with other ${differing.join(', ')}`
          : `lacks ${lacking}`;
      throw new QuernError('ALREADY_EXISTS', what, {
        where: out,
        hint: 'Delete it, and the same command makes it anew; or choose another folder',
      });
    }
    if (!options.keepsWork) await removeWork(`${out}.work`, out);
    return { out, stages: there.stages, wasThere: true };
  }
  const isTaken = retrieval !== undefined && (await pathKindIfAny(retrieval)) !== undefined;
  if (isTaken && !(await isHandingOut(`${out}.work`))) {
    throw new QuernError('ALREADY_EXISTS', 'is there already', {
      where: retrieval,
      hint: 'Choose another folder for the collection, or delete it',
    });
  }
  const work = await WorkFolder.open(`${out}.work`);
  const lock = await ProcessLock.acquire(join(work.path, 'lock'), { kind: 'curation', where: out });
  try {
    const run = new Run(sources, { facts, settings, recorded, guarded }, { ...options, out, retrieval });
    const curation = await run.stages(work);
    if (curation?.splits.train === 0) warnings?.add('no question is for training', out);
    if (!curation) return { out, stages: run.records, wasThere: false, work: work.path };
    await handOut(run.lastFolder, out, retrieval);
    if (options.keepsWork) return { out, stages: run.records, curation, wasThere: false, work: work.path };
    await work.remove();
    return { out, stages: run.records, curation, wasThere: false };
  } finally {
    await lock.release();
  }
}

/** What the data is held against. */
type Guarded = Awaited<ReturnType<typeof protectedTexts>>;

/** One run over the stages. */
class Run {
  readonly records: StageRecord[] = [];
  lastFolder = '';
  readonly #sources: readonly PostSource[];
  readonly #facts: readonly SourceFacts[];
  readonly #settings: CurateSettings;
  readonly #recorded: Readonly<Record<string, unknown>>;
  readonly #guarded: Guarded;
  readonly #options: CurateOptions;
  /** The folders of the stages that left questions out. */
  readonly #folders: { readonly stage: StageName; readonly folder: string }[] = [];

  constructor(
    sources: readonly PostSource[],
    plan: {
      readonly facts: readonly SourceFacts[];
      readonly settings: CurateSettings;
      readonly recorded: Readonly<Record<string, unknown>>;
      readonly guarded: Guarded;
    },
    options: CurateOptions,
  ) {
    this.#sources = sources;
    this.#facts = plan.facts;
    this.#settings = plan.settings;
    this.#recorded = plan.recorded;
    this.#guarded = plan.guarded;
    this.#options = options;
  }

  /** Does what is to be done of all stages; undefined where it is to stop before the last. */
  async stages(work: WorkFolder): Promise<Curation | undefined> {
    const { seed, domains, candidates, filter, similarity, positive, perDomain } = this.#settings;
    const { signal, onWork, until } = this.#options;
    const listening = { signal, onWork };
    const parse = {
      seed,
      ...(domains !== 'all' && { domains }),
      ...(candidates !== 'all' && { candidates }),
    };
    const stamps = this.#sources.map(({ kind, title, stamp, site }) => [kind, title, stamp, site?.host]);
    const hasText = await work.hasStage(2, 'text');
    const parsed = this.#told(
      await work.stage(
        'parse',
        [parse, stamps],
        (place) => parseStage(this.#sources, place, { ...parse, ...listening }),
        { resumes: true, mayLack: (name) => hasText && name.startsWith('posts-') },
      ),
    );
    if (until === 'parse') return undefined;
    const text = this.#told(await work.stage('text', [], (place) => textStage(parsed, place, listening)));
    if (!this.#options.keepsWork) await new PostSpill(parsed.folder, parsed.record.files).remove();
    if (until === 'text') return undefined;
    const set = await QuestionSet.open(text.folder);
    try {
      return await this.#decisions(work, set, { filter, similarity, positive, perDomain });
    } finally {
      await set.close();
    }
  }

  async #decisions(
    work: WorkFolder,
    set: QuestionSet,
    {
      filter,
      similarity,
      positive,
      perDomain,
    }: Pick<CurateSettings, 'filter' | 'similarity' | 'positive' | 'perDomain'>,
  ): Promise<Curation | undefined> {
    const { signal, onWork, until, reasoner } = this.#options;
    const { positives } = this.#settings;
    const listening = { signal, onWork };
    const decide = async (
      name: StageName,
      settings: unknown,
      decided: (folder: string) => Promise<StageRecord>,
      resumes = false,
    ): Promise<{ folder: string }> => {
      const done = await work.stage(name, settings, ({ folder }) => decided(folder), { resumes });
      if (done.wasDone) await markDropped(set, done.folder);
      this.#told(done);
      this.#folders.push({ stage: name, folder: done.folder });
      return done;
    };
    await decide('filter', filter, (folder) => filterStage(set, folder, { ...filter, ...listening }));
    if (until === 'filter') return undefined;
    const links = this.#sources.map(({ site }) => site?.links?.bytes);
    const answered = positives === 'answers' ? { positive } : {};
    await decide('duplicates', [similarity, links, answered], (folder) =>
      duplicatesStage(set, folder, this.#sources, { similarity, ...answered, ...listening }),
    );
    if (until === 'duplicates') return undefined;
    const guarded = this.#guarded;
    await decide('decontaminate', guarded.texts.identity, (folder) =>
      decontaminateStage(set, folder, guarded.texts, listening),
    );
    if (until === 'decontaminate') return undefined;
    if (positives === 'answers') {
      await decide('positives', positive, (folder) =>
        positivesStage(set, folder, { ...positive, ...listening }),
      );
    }
    if (until === 'positives') return undefined;
    this.#told({ record: sampleStage(set, perDomain === 'all' ? {} : { perDomain }), wasDone: false });
    if (until === 'sample') return undefined;
    assertSome(set, this.records);
    let reasoned: ReadonlyMap<number, string> | undefined;
    work.depend(perDomain);
    if (positives !== 'answers') {
      const { budget, leavesFailed } = this.#options;
      const asked = reasoner!.reasoner;
      const identity = [reasoner!.name, await asked.cacheKey?.('', { signal })];
      const { folder } = await decide(
        'reason',
        identity,
        (place) =>
          reasonStage(set, place, {
            reasoner: asked,
            texts: guarded.texts,
            budget,
            leavesFailed,
            ...listening,
          }),
        true,
      );
      reasoned = await readReasoned(folder, await numbersOf(set, signal));
      assertSome(set, this.records);
    }
    if (until === 'reason') return undefined;
    const folders = this.#folders;
    const target = this.#options.retrieval;
    const settings = this.#settings;
    const last = await work.stage(
      'split',
      [this.#recorded, this.#facts],
      ({ folder }) =>
        splitStage(set, folder, {
          name: basename(this.#options.out),
          options: this.#recorded,
          sources: this.#sources,
          sourceFacts: this.#facts,
          stages: this.records,
          against: guarded.collections,
          shares: settings.shares,
          think: settings.think,
          positivesOf: (n, question): ChosenPositives => ({
            answers: positives === 'reasoned' ? [] : positivesOf(question.answers, positive).answers,
            ...(reasoned?.has(n) && { reasoned: reasoned.get(n) }),
          }),
          dropped: () => droppedBy(folders),
          ...(settings.retrieval && {
            retrieval: { bestOf: (question) => positivesOf(question.answers, positive).answers[0] },
          }),
          ...listening,
        }),
      {
        isWhole: async (folder) =>
          (await isThere(folder, resultFolder)) &&
          (!target ||
            (await isThere(folder, retrievalFolder)) ||
            (await pathKindIfAny(target)) !== undefined),
      },
    );
    const { curation, ...record } = last.record;
    this.#told({ ...last, record });
    this.lastFolder = last.folder;
    return curation;
  }

  #told<T extends { readonly record: StageRecord; readonly wasDone: boolean }>(stage: T): T {
    this.records.push(stage.record);
    this.#options.onStage?.(stage.record, stage.wasDone);
    return stage;
  }
}

async function* droppedBy(
  folders: readonly { readonly stage: StageName; readonly folder: string }[],
): AsyncGenerator<{ stage: StageName; dropped: Dropped }> {
  for (const { stage, folder } of folders) {
    for await (const dropped of readDropped(folder)) yield { stage, dropped };
  }
}

async function numbersOf(set: QuestionSet, signal?: AbortSignal): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  for await (const { n, question } of set.all(signal)) numbers.set(question.id, n);
  return numbers;
}

function assertSome(set: QuestionSet, records: readonly StageRecord[]): void {
  if (set.left > 0) return;
  const emptied = records.find(({ questionsOut }) => questionsOut === 0)!;
  const reasons = Object.entries(emptied.dropped).map(([reason, count]) => `${reason}: ${count}`);
  const faults = records.flatMap(({ faults: own = [] }) => own);
  const odd = faults.map(({ kind, count, places }) => `${count} x ${kind}, first at ${places[0]}`);
  const why = [...reasons, ...odd].join('; ');
  const isUnread = records[0].questionsIn === 0;
  const what = isUnread ? 'no question was read' : `no question is left after the stage ${emptied.stage}`;
  throw new QuernError('BAD_INPUT', `${what}${why === '' ? '' : ` (${why})`}`, {
    hint: isUnread
      ? 'Do the sources hold questions in the form that they should?'
      : 'Look at the domains, the filters and the scores that were asked for',
  });
}
