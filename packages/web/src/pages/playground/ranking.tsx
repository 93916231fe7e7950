import { useRef, useState } from 'preact/hooks';
import type { Analyzer } from '../../../../quern/src/text/analyzer.ts';
import { useSlides } from '../../parts/use-slides.ts';
import type { SearchHit } from '../../service/answers.ts';
import type { FrameHit } from './frames.ts';
import { Hit } from './hit.tsx';
import { movement } from './movement.ts';
import { originShares, shareSum } from './score-shares.ts';

/** A ranking: hits that slide to their places when these change. */
export function Ranking({
  hits,
  label,
  titles,
  details,
  against,
  other,
  analyzer,
}: {
  readonly hits: readonly FrameHit[];
  readonly label: string;
  readonly titles: ReadonlyMap<string, string>;
  /** What the answer tells of its hits; undefined where these are on the way. */
  readonly details: ReadonlyMap<string, SearchHit> | undefined;
  /** Ranks without reasoning, to tell how hits moved. */
  readonly against?: ReadonlyMap<string, number> | undefined;
  /** Ranks with reasoning, to tell where hits went. */
  readonly other?: ReadonlyMap<string, number> | undefined;
  readonly analyzer: Analyzer | undefined;
}) {
  const list = useRef<HTMLOListElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  useSlides(list);
  const bars = hits.map(({ id, score }) => {
    const shares = originShares(details?.get(id) ?? {});
    return shares.length > 0 ? shareSum(shares) : score;
  });
  const most = Math.max(0, ...bars);
  const toggle = (id: string): void =>
    setOpen(
      (before) => new Set(before.has(id) ? [...before].filter((each) => each !== id) : [...before, id]),
    );
  return (
    <ol class="ranking" ref={list} aria-label={label}>
      {hits.map(({ id, rank, score }) => (
        <Hit
          key={id}
          id={id}
          rank={rank}
          score={score}
          title={details?.get(id)?.title ?? titles.get(id)}
          detail={details?.get(id)}
          most={most}
          moved={against && movement(rank, against.get(id))}
          elsewhere={other && (other.get(id) ?? 'out')}
          analyzer={analyzer}
          isOpen={open.has(id)}
          toggle={() => toggle(id)}
        />
      ))}
    </ol>
  );
}
