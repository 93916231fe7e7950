import type { ComponentChildren } from 'preact';
import { count, duration, money } from '../../parts/figures.ts';
import { sentence } from '../../parts/states.tsx';
import type { ReasonedAnswer, SearchAnswer } from '../../service/answers.ts';
import type { Frame } from './frames.ts';

const finishes: Readonly<Record<ReasonedAnswer['finish'], string>> = {
  stop: 'ended by itself',
  length: 'cut at the most tokens',
  early: 'stopped early',
  skipped: 'not asked',
  failed: 'failed',
};

/** How a reasoned query ended, in words. */
export function finishWords({ finish, cached, cuts = [], weights }: ReasonedAnswer): string {
  if (weights) return '';
  const cut = cuts.find(({ kind }) => kind !== 'thought');
  const why = { stable: 'as the ranking was stable', repeated: 'as it repeated itself' } as const;
  const parts = [
    finishes[finish],
    finish === 'early' && cut && cut.kind !== 'thought' && why[cut.kind],
    cached && 'recorded before',
  ];
  return parts.filter((part) => typeof part === 'string').join(', ');
}

/** What each stage took, and what it cost; with the looks at rankings on the way, of which there were so many. */
export function Stages({
  without,
  answer,
  frames,
}: {
  readonly without: SearchAnswer | undefined;
  readonly answer: SearchAnswer | undefined;
  readonly frames: readonly Frame[];
}) {
  if (!answer) return null;
  const { milliseconds, probing, reranking } = answer;
  const looks = frames.reduce((sum, frame) => sum + frame.milliseconds, 0);
  return (
    <dl class="stages">
      <ReasonStage answer={answer} />
      {probing && (
        <Stage name="Early stop" value={duration(probing.milliseconds)}>
          {count(probing.probes)} {probing.probes === 1 ? 'look' : 'looks'} at the ranking
        </Stage>
      )}
      {frames.length > 0 && (
        <Stage name="Watching" value={duration(looks)}>
          {count(frames.length)} {frames.length === 1 ? 'look' : 'looks'} for this page
        </Stage>
      )}
      <Stage name="Search" value={duration(milliseconds.search)}>
        {without && `${duration(without.milliseconds.search)} without reasoning`}
      </Stage>
      {reranking && (
        <Stage name="Rerank" value={duration(reranking.milliseconds)}>
          {reranking.failure
            ? `${reranking.reranker} failed: ${reranking.failure.message}; the order is as it was found`
            : `the best ${count(reranking.depth)}, by ${reranking.reranker}`}
        </Stage>
      )}
      <Stage name="In all" value={duration(milliseconds.total)}>
        with waiting and explanation
        {without && `; ${duration(without.milliseconds.total)} without reasoning`}
      </Stage>
    </dl>
  );
}

function Stage({
  name,
  value,
  children,
}: {
  readonly name: string;
  readonly value: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="stage">
      <dt>{name}</dt>
      <dd class="note">{children}</dd>
      <dd class="value">{value}</dd>
    </div>
  );
}

function ReasonStage({
  answer: { reasoned, milliseconds, searches = [] },
}: {
  readonly answer: SearchAnswer;
}) {
  const { promptTokens, completionTokens, uncounted, tokensPerSecond, cost, cached, weights } = reasoned;
  // Its weights are also of the question's own terms.
  const added = searches.flatMap(({ terms }) => terms).filter(({ origin }) => origin === 'feedback').length;
  const isCounted = promptTokens + completionTokens > 0 && !uncounted;
  const parts = [
    isCounted && `${count(promptTokens)} → ${count(completionTokens)} tokens`,
    uncounted && 'its server tells no tokens',
    tokensPerSecond !== undefined && `${count(Math.round(tokensPerSecond))} tokens/s`,
    cost && money(cost),
    cached && 'recorded before',
    weights && `${count(added)} ${added === 1 ? 'term' : 'terms'} added`,
  ].filter((part) => typeof part === 'string');
  return (
    <Stage name="Reason" value={duration(milliseconds.reason)}>
      {parts.join(' · ')}
    </Stage>
  );
}

/** What has to be said of an answer: that the reasoner failed, or was not asked, and what was cut. */
export function Notices({ answer }: { readonly answer: SearchAnswer }) {
  const { reasoned, gate, searches = [], rounds } = answer;
  const failedParts = (reasoned.parts ?? []).filter(({ failure }) => failure);
  const isAlone = searches.length === 1 && searches[0]!.from === 'query';
  const cuts = (reasoned.parts ?? [reasoned]).flatMap((part) => part.cuts ?? []);
  return (
    <>
      {reasoned.failure && (
        <p class="notice bad" role="alert">
          <strong>{answer.reasoner} failed.</strong> {sentence(reasoned.failure.message)} The question stood
          alone: both rankings are of the question as it is.
        </p>
      )}
      {!reasoned.failure && failedParts.length > 0 && (
        <p class="notice bad" role="alert">
          <strong>A part of {answer.reasoner} failed.</strong>{' '}
          {failedParts.map(({ failure }) => sentence(failure!.message)).join(' ')} The rest was searched.
        </p>
      )}
      {gate && (
        <p class="notice">
          <strong>{gate.reasons ? 'The gate let it reason:' : 'The gate stood aside:'}</strong>{' '}
          {sentence(gate.why)}
          {!gate.reasons && ' The question stood alone.'}
        </p>
      )}
      {!gate && reasoned.skipped !== undefined && (
        <p class="notice">
          <strong>Not reasoned about:</strong> {sentence(reasoned.skipped)}
        </p>
      )}
      {isAlone && !reasoned.failure && reasoned.skipped === undefined && answer.reasoner !== 'none' && (
        <p class="notice">{answer.reasoner} added nothing: the question was searched as it is.</p>
      )}
      {cuts.length > 0 && (
        <details class="notice">
          <summary>What was cut of the text</summary>
          {cuts.map(({ kind, why, text }) => (
            <div key={kind + text}>
              <p class="note">{sentence(why)}</p>
              {text.trim() !== '' && (
                <p class="cut" dir="auto">
                  {text}
                </p>
              )}
            </div>
          ))}
        </details>
      )}
      {rounds && rounds.length > 1 && (
        <details class="notice">
          <summary>{rounds.length} rounds</summary>
          <ol>
            {rounds.map((round, i) => (
              <li key={i}>
                {round.passages.length > 0 && (
                  <p class="note">Shown: {round.passages.map(({ id }) => id).join(', ')}</p>
                )}
                <p class="cut" dir="auto">
                  {round.reasoned.text}
                </p>
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}
