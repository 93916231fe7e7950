import { useState } from 'preact/hooks';
import type { SampledCompletion } from '../../../../quern/src/train/watch/wire.ts';
import { sampleText, signedText, withoutNoise } from './words.ts';

/** The values that bars of parts span: what is shown side by side has the same. */
export type BarRange = readonly [low: number, high: number];

/** The range of the parts of completions, with zero in it. */
export function barRange(completions: readonly SampledCompletion[]): BarRange {
  let [low, high] = [0, 0];
  for (const { parts = {} } of completions) {
    for (const value of Object.values(parts)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return [low, high];
}

/** A completion as it is, with what it was worth. Nothing in its texts is taken for markup. */
export function Completion({
  completion,
  range,
}: {
  readonly completion: SampledCompletion;
  readonly range: BarRange;
}) {
  const { reward, parts = {}, advantage, tokens, finish, failure, text } = completion;
  const names = Object.keys(parts);
  return (
    <div class="completion">
      <p class="outcome">
        {reward !== undefined && (
          <span>
            reward <b class="reward">{sampleText(reward)}</b>
          </span>
        )}
        {advantage !== undefined && (
          <span>
            advantage{' '}
            <b class={['worse', '', 'better'][Math.sign(withoutNoise(advantage)) + 1]}>
              {signedText(advantage)}
            </b>
          </span>
        )}
        {tokens !== undefined && (
          <span>
            tokens <b>{tokens}</b>
          </span>
        )}
        {finish === 'length' && <span class="worse">cut at the limit</span>}
        {finish === 'stop' && <span>ended by itself</span>}
        {finish !== undefined && !['length', 'stop'].includes(finish) && (
          <span>
            ended: <bdi>{finish}</bdi>
          </span>
        )}
        {failure !== undefined && (
          <span class="worse">
            no reasoned query: <bdi>{failure}</bdi>
          </span>
        )}
      </p>
      {names.length > 0 && (
        <dl class="parts">
          {names.map((name) => (
            <div key={name}>
              <dt dir="auto">{name}</dt>
              <dd>
                <Bar value={parts[name]!} range={range} />
                <span class="part-value">{sampleText(parts[name]!)}</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <Folded text={text} />
    </div>
  );
}

function Bar({ value, range: [low, high] }: { readonly value: number; readonly range: BarRange }) {
  const span = high - low || 1;
  const left = (Math.min(0, value) - low) / span;
  return (
    <span class="bar" aria-hidden="true">
      <span
        class={value < 0 ? 'below' : 'above'}
        style={{ left: `${left * 100}%`, width: `${(Math.abs(value) / span) * 100}%` }}
      />
      <span class="zero" style={{ left: `${(-low / span) * 100}%` }} />
    </span>
  );
}

const foldedFrom = 500;

/** A text, and where it is long, what unfolds it. */
export function Folded({ text }: { readonly text: string }) {
  const [isFolded, setFolded] = useState(true);
  if (text.trim() === '') return <p class="note">The completion is empty.</p>;
  const isLong = text.length >= foldedFrom || text.split('\n').length >= 8;
  return (
    <>
      <p class={`prose ${isLong && isFolded ? 'folded' : ''}`} dir="auto">
        {text}
      </p>
      {isLong && (
        <button type="button" class="quiet" aria-expanded={!isFolded} onClick={() => setFolded(!isFolded)}>
          {isFolded ? 'All of it' : 'Less of it'}
        </button>
      )}
    </>
  );
}
