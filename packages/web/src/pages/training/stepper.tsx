/** Chooses one of several places by a slider and by single steps. */
export function Stepper({
  label,
  place,
  count,
  words,
  hasSlider = false,
  onMove,
}: {
  /** What is chosen, such as `Step`. */
  readonly label: string;
  readonly place: number;
  readonly count: number;
  /** What the place is called. */
  readonly words: string;
  readonly hasSlider?: boolean;
  onMove(place: number): void;
}) {
  const name = label.toLowerCase();
  return (
    <div class="stepper" role="group" aria-label={label}>
      <span aria-hidden="true">{label}</span>
      <button
        type="button"
        aria-label={`The ${name} before`}
        disabled={place <= 0}
        onClick={() => onMove(place - 1)}
      >
        ‹
      </button>
      {hasSlider && (
        <input
          type="range"
          aria-label={label}
          aria-valuetext={words}
          min="0"
          max={Math.max(count - 1, 0)}
          value={place}
          disabled={count < 2}
          onInput={(event) => onMove(event.currentTarget.valueAsNumber)}
        />
      )}
      <button
        type="button"
        aria-label={`The ${name} after`}
        disabled={place >= count - 1}
        onClick={() => onMove(place + 1)}
      >
        ›
      </button>
      <output>{words}</output>
    </div>
  );
}
