import { QuernError } from '../../errors.ts';
import { LexicalIndex } from '../../lexical/lexical-index.ts';
import { scorings } from '../../lexical/bm25.ts';
import { BoundedReasoner } from '../../reason/bounded.ts';
import { SeveralReasoner } from '../../reason/several.ts';
import { namedMembers } from '../../reason/several-names.ts';
import type { Reasoner } from '../../reason/reasoner.ts';
import type { ReasonedRecord } from '../../reason/reasoned-record.ts';
import { combineNamed } from '../../search/combine.ts';
import { defaultEarlyStop, earlyStopNamed } from '../../search/early-stop.ts';
import { explainAnswer, prepareExplanation, type Explanation } from '../../search/explain.ts';
import { answerReasoned, type Answer } from '../../search/pipeline.ts';
import { callsOf, type Reasoning, type ReasoningPlan } from '../../search/reasoning-plan.ts';
import { reasoningAbout } from '../../search/reasoning.ts';
import type { Reranking } from '../../search/reranking.ts';
import type { Retriever } from '../../search/retriever.ts';
import { retrieverNamed } from '../../search/retrievers.ts';
import { GrowingRanking, type Look } from './growing-ranking.ts';
import { hitTexts } from './hit-texts.ts';
import type { OpenIndex } from './open-index.ts';
import { publicError } from './public-error.ts';
import { publicFailure, publicReasoning, reasonerError } from './public-reasoning.ts';
import { needsFolder, type OpenReasoner } from './reasoners.ts';
import type { SearchRequest } from './search-request.ts';
import type { Service } from './service.ts';
import { toldReasoner } from './told-reasoner.ts';

/** Watches a search on its way. */
export interface SearchWatch {
  /** All of a text so far, each time that there is more of it; `part` is its place among those of several reasoners. */
  text(text: string, part: number): void;
  /** What would be found if the texts ended where they do. */
  ranking(look: Look): void;
  /** What the reasoner came to, before it is searched. */
  reasoned(reasoned: ReasonedRecord): void;
}

/** What a search answers, as JSON. */
export type SearchAnswer = Readonly<Record<string, unknown>> & {
  readonly hits: readonly SearchHit[];
};

/** A hit as an answer tells it. */
export interface SearchHit {
  readonly id: string;
  readonly score: number;
  readonly rank: number;
  readonly title?: string;
  readonly text?: string;
}

/**
 * Answers a request. Throws `BAD_INPUT` and `NOT_FOUND` for names that are none, `OVERLOADED` where too much waits, `UNAVAILABLE`
 * where an index or a model cannot be opened, `ABORTED`, and what searching throws. `watch` is told what happens meanwhile.
 */
export async function search(
  service: Service,
  request: SearchRequest,
  signal?: AbortSignal,
  watch?: SearchWatch,
): Promise<SearchAnswer> {
  const { query, k, excluded } = request;
  const reasoner = service.reasoners.named(request.reasoner, 'reasoner');
  const retrieverName = request.retriever ?? service.indexes.named(request.index, 'index').retriever;
  const named = service.retrievers.named(retrieverName, 'retriever');
  const rerank = await reranking(service, request);
  // What would be refused in the end is refused before anything is generated for it.
  service.searches.check();
  return service.indexes.use(request.index, 'index', async (open) => {
    const retriever = await retrieverOver(service, open, retrieverName, named);
    const names = publicNames(reasoner, retriever, { name: retrieverName, named });
    const unwatched: ReasoningPlan = {
      reasoner: bounded(reasonerOver(reasoner, open, named), request.deadline),
      retriever,
      combine: combineNamed(request.combine),
      ...(request.join && { join: request.join }),
      ...(request.keyTerms !== undefined && { keyTerms: request.keyTerms }),
      ...(reasoner.gate && request.gate && { gate: reasoner.gate }),
      ...(request.earlyStop !== false && {
        earlyStop: request.earlyStop === true ? defaultEarlyStop : earlyStopNamed(request.earlyStop),
      }),
      ...(request.rounds !== undefined && {
        rounds: { count: request.rounds, deadline: request.deadline ?? reasoner.declared.deadline },
      }),
      ...(rerank && { rerank }),
    };
    const growing =
      watch &&
      new GrowingRanking({
        plan: unwatched,
        query,
        index: open.index,
        searches: service.searches,
        k,
        excluded,
        ...(signal && { signal }),
        told: (look) => watch.ranking(look),
      });
    const plan = growing ? { ...unwatched, reasoner: told(unwatched.reasoner, growing, watch) } : unwatched;
    const started = performance.now();
    const about = (): Promise<Reasoning> => reasoningAbout(plan, query, { excluded, signal });
    // RM3 by itself is a search, and takes its turn as one.
    const isSearch = reasoner.declared.reasoner === 'rm3';
    const reasoning = await (isSearch ? service.searches.run(about, signal) : about()).catch(
      (error: unknown) => {
        growing?.stop();
        throw reasonerError(error, reasoner, { what: `the index ${request.index}`, names });
      },
    );
    const reasoned = performance.now();
    watch?.reasoned(publicReasoning(reasoning.reasoned, request.reasoner));
    await growing?.end();
    const { observer } = service;
    if (reasoner.name !== 'none') observer.stage('reason', (reasoned - started) / 1000);
    for (const call of callsOf(reasoning)) observer.reasoned(reasoner.name, call);
    if (reasoning.gate) observer.gate(reasoner.name, reasoning.gate);
    return service.searches
      .run(async () => {
        const began = performance.now();
        const options = { k, excluded, ...(signal && { signal }) };
        const ranked = await answerReasoned(plan, query, reasoning.reasoned, options);
        const found: Answer = { ...ranked, ...reasoning };
        const ended = performance.now();
        observed(service, request, found, ended - began);
        const explanation = request.explain
          ? await explained(found, retriever, excluded.length, signal)
          : undefined;
        const texts = await hitTexts(found, open.index, retriever, request.texts, signal);
        return searchAnswer(found, {
          request,
          retriever: retrieverName,
          explanation,
          texts,
          milliseconds: {
            reason: reasoned - started,
            search: ended - began,
            total: performance.now() - started,
          },
        });
      }, signal)
      .catch((error: unknown) => {
        throw publicError(error, { what: `the index ${request.index}`, names });
      });
  });
}

/** A reasoner whose text is ranked, and told, while it comes. */
function told(reasoner: Reasoner, growing: GrowingRanking, watch: SearchWatch): Reasoner {
  return toldReasoner(reasoner, (text, part) => {
    watch.text(text, part);
    growing.add(text, part);
  });
}

/** Tells what was found to whoever measures; searching and reranking took so many milliseconds together. */
function observed({ observer }: Service, request: SearchRequest, found: Answer, milliseconds: number): void {
  const { reranking: read, hits } = found;
  observer.stage('search', (milliseconds - (read?.milliseconds ?? 0)) / 1000);
  observer.found(request.index, hits.length);
  if (!read) return;
  observer.stage('rerank', read.milliseconds / 1000);
  if (read.failure) observer.failed(`reranker ${request.reranker!}`, read.failure.code, read.failure.message);
}

/** The names by which requests know what an error of the library could name in full. */
function publicNames(
  { declared, name }: OpenReasoner,
  retriever: Retriever,
  asked: { readonly name: string; readonly named: string },
): [string, string][] {
  return [
    [retriever.id, asked.name],
    [asked.named, asked.name],
    ...retrieverNamed(asked.named).embedders.map((each): [string, string] => [each, '…']),
    [declared.reasoner, name],
    ...namedMembers(declared.reasoner).map((member): [string, string] => [member.name, name]),
  ];
}

async function reranking(service: Service, request: SearchRequest): Promise<Reranking | undefined> {
  if (request.reranker === undefined) return undefined;
  const reranker = await service.rerankers.named(request.reranker, 'reranker');
  const { rerankDepth: depth, deadline } = request;
  return { reranker, ...(depth !== undefined && { depth }), ...(deadline !== undefined && { deadline }) };
}

async function retrieverOver(
  service: Service,
  open: OpenIndex,
  name: string,
  named: string,
): Promise<Retriever> {
  try {
    return await open.retriever(named, await service.embedders.ofRetriever(named));
  } catch (cause) {
    const code = cause instanceof QuernError && cause.code === 'NOT_FOUND' ? 'BAD_INPUT' : 'UNAVAILABLE';
    const what = code === 'BAD_INPUT' ? 'has no vectors that it could search' : 'cannot be opened';
    throw new QuernError(code, `the retriever ${name} ${what}`, { where: 'retriever', cause });
  }
}

function reasonerOver(reasoner: OpenReasoner, { index, declared }: OpenIndex, named: string): Reasoner {
  if (!reasoner.learns) return reasoner.of(undefined);
  if (!(index instanceof LexicalIndex)) throw needsFolder(reasoner.name);
  const scoring = retrieverNamed(named).scoring ?? scorings[0];
  return reasoner.of({ index, scoring, ...(declared.parameters && { parameters: declared.parameters }) });
}

/**
 * A reasoner within a request's deadline, beside its own: each of several by itself, so that who is in time counts. What is no
 * language model says what it says at once.
 */
export function bounded(reasoner: Reasoner, deadline: number | undefined): Reasoner {
  if (deadline === undefined) return reasoner;
  const { id, members } = reasoner;
  if (members) {
    const within = members.map((each) => ({ ...each, reasoner: bounded(each.reasoner, deadline) }));
    return new SeveralReasoner(id, within);
  }
  return reasoner instanceof BoundedReasoner ? new BoundedReasoner(reasoner, { deadline }) : reasoner;
}

async function explained(
  found: Answer,
  retriever: Retriever,
  excluded: number,
  signal: AbortSignal | undefined,
): Promise<Explanation> {
  await prepareExplanation(found, retriever, signal);
  return explainAnswer(found, retriever, { excluded });
}

/** What an answer is told with. */
interface Telling {
  readonly request: SearchRequest;
  readonly retriever: string;
  readonly explanation: Explanation | undefined;
  readonly texts: ReadonlyMap<string, { readonly title?: string; readonly text?: string }>;
  readonly milliseconds: Readonly<Record<string, number>>;
}

function searchAnswer(found: Answer, telling: Telling): SearchAnswer {
  const { request, retriever, explanation, texts, milliseconds } = telling;
  const { reranking: read } = found;
  return {
    query: found.query,
    index: request.index,
    reasoner: request.reasoner,
    combine: found.combine,
    retriever,
    k: request.k,
    reasoned: publicReasoning(found.reasoned, request.reasoner),
    hits: found.hits.map((hit, i) => ({
      ...hit,
      ...texts.get(hit.id),
      ...(explanation && { terms: explanation.hits[i]?.terms, ranks: explanation.hits[i]?.ranks }),
    })),
    ...(found.gate && { gate: found.gate }),
    ...(read && {
      reranking: {
        reranker: request.reranker,
        depth: read.depth,
        milliseconds: read.milliseconds,
        ...(read.failure && {
          failure: {
            code: read.failure.code,
            message: publicFailure(read.failure.code).replace('reasoner', 'reranker'),
          },
        }),
      },
    }),
    ...(explanation && {
      searches: explanation.searches.map(({ reasoner, retriever: part, ...rest }) => ({
        ...rest,
        ...(reasoner !== undefined && { reasoner: request.reasoner }),
        // Of a hybrid's part no more than its kind: its name can hold paths and addresses.
        ...(part !== undefined && { retriever: part.split(':', 1).join() }),
      })),
      ...(found.rounds && {
        rounds: found.rounds.map(({ reasoned, passages }) => ({
          reasoned: publicReasoning(reasoned, request.reasoner),
          passages,
        })),
      }),
      ...(found.probing && { probing: found.probing }),
    }),
    milliseconds,
  };
}
