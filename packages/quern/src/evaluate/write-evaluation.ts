import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { compareBytes } from '../byte-order.ts';
import type { Qrels } from '../collections/records.ts';
import { writeTrecQrels, writeTrecRun } from '../collections/trec.ts';
import type { Bm25Parameters } from '../lexical/bm25.ts';
import { reasonedRecord } from '../reason/reasoned-record.ts';
import { quernVersion } from '../version.ts';
import { writeLines } from '../whole-file.ts';
import type { Evaluation, TopicAnswer } from './evaluation.ts';
import type { EvaluationRecord } from './evaluation-record.ts';
import {
  evaluationFiles,
  type SavedEvaluation,
  type SavedTopic,
  type SavedTopicText,
} from './saved-evaluation.ts';

/** What is saved of one run over one collection. */
export interface EvaluationToSave {
  readonly evaluation: Evaluation;
  readonly record: EvaluationRecord;
  readonly qrels: Qrels;
  readonly split?: string;
  readonly analyzer: string;
  readonly parameters: Bm25Parameters;
  /** What `planName` says. */
  readonly plan: readonly string[];
}

/**
 * Writes the files of a saved evaluation into a folder that is there, each whole, `evaluation.json` last. Throws `BAD_INPUT` for ids
 * that cannot stand in TREC's files, and what the file system does.
 */
export async function writeEvaluation(folder: string, saved: EvaluationToSave): Promise<void> {
  const { evaluation, qrels } = saved;
  await writeTrecRun(join(folder, evaluationFiles.run), evaluation.run);
  await writeTrecQrels(join(folder, evaluationFiles.qrels), qrels);
  await writeLines(join(folder, evaluationFiles.topics), topicLines(evaluation));
  await writeLines(join(folder, evaluationFiles.record), [JSON.stringify(savedEvaluation(saved), null, 1)]);
}

/** What `evaluation.json` says of an evaluation, now. */
function savedEvaluation(saved: EvaluationToSave): SavedEvaluation {
  const { evaluation, record, qrels, split, analyzer, parameters, plan } = saved;
  const answers = new Map(evaluation.answers.map((answer) => [answer.topic.id, answer]));
  return {
    format: 'quern evaluation',
    version: 1,
    quern: quernVersion(),
    created: new Date().toISOString(),
    run: evaluation.run.name,
    ...record,
    ...(split !== undefined && { split }),
    analyzer,
    parameters,
    plan,
    judgements: judgementsId(qrels),
    topics: Array.from(evaluation.measures.perTopic, ([id, measures]): SavedTopic => {
      const answer = answers.get(id);
      return { id, measures, ...(answer && { reasoning: reasoningFacts(answer) }) };
    }),
  };
}

function reasoningFacts({ reasoned, searches }: TopicAnswer): NonNullable<SavedTopic['reasoning']> {
  const { finish, promptTokens, completionTokens, milliseconds, cached, uncounted, cost, failure } = reasoned;
  return {
    finish,
    promptTokens,
    completionTokens,
    milliseconds,
    cached,
    ...(uncounted && { uncounted }),
    ...(cost && { cost }),
    ...(failure && { failure: failure.code }),
    searched: searches.map(({ from }) => from),
  };
}

function* topicLines({ answers }: Evaluation): Generator<string> {
  for (const { topic, reasoned } of answers) {
    const { query: _, ...rest } = reasonedRecord(reasoned);
    const { id, text, excluded } = topic;
    const line: SavedTopicText = {
      _id: id,
      text,
      ...(excluded.length > 0 && { excluded }),
      reasoned: rest,
    };
    yield JSON.stringify(line);
  }
}

/** An id of judgements, whatever their order: 16 hexadecimal digits. */
function judgementsId(qrels: Qrels): string {
  const hash = createHash('sha256');
  for (const [topic, judgements] of [...qrels].sort(([a], [b]) => compareBytes(a, b))) {
    const levels = [...judgements].sort(([a], [b]) => compareBytes(a, b));
    hash.update(`${JSON.stringify([topic, levels])}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
