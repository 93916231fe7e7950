import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { saveFile } from '../../parts/save-file.ts';
import { sceneSvg, type Scene } from './chart-scene.ts';

/** A place in a drawing. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** A drawing on the page, what lies over it, what is said below it, and its file. */
export function ChartView({
  scene,
  file,
  over,
  onPlace,
  onChoose,
  children,
}: {
  readonly scene: Scene;
  readonly file: string;
  readonly over?: ComponentChildren;
  /** Where the pointer is; undefined when it leaves. */
  readonly onPlace?: (place: Place | undefined) => void;
  readonly onChoose?: () => void;
  readonly children?: ComponentChildren;
}) {
  const { width, height, title, shapes } = scene;
  // Thousands of topics are drawn once, not whenever the pointer moves.
  const drawn = useMemo(
    () =>
      shapes.map((shape, i) =>
        'path' in shape ? (
          <path key={i} class={`scene-${shape.role}`} d={shape.path} stroke-width={shape.width} />
        ) : (
          <text
            key={i}
            class={`scene-${shape.role}`}
            x={shape.x}
            y={shape.y}
            text-anchor={shape.anchor ?? 'start'}
            transform={shape.turn === undefined ? undefined : `rotate(${shape.turn} ${shape.x} ${shape.y})`}
          >
            {shape.text}
          </text>
        ),
      ),
    [shapes],
  );
  const place = (event: PointerEvent): void => {
    const box = (event.currentTarget as SVGSVGElement).getBoundingClientRect();
    onPlace?.({
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
    });
  };
  return (
    <figure class="chart card">
      <figcaption>
        <span>{title}</span>
        <button
          type="button"
          class="quiet"
          onClick={() => saveFile(file, sceneSvg(scene), 'image/svg+xml')}
          aria-label={`SVG of: ${title}`}
        >
          SVG
        </button>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${title}. ${scene.description}`}
        class={onChoose ? 'pointed' : undefined}
        onPointerMove={place}
        onPointerDown={place}
        onPointerLeave={() => onPlace?.(undefined)}
        onClick={onChoose}
      >
        {drawn}
        {over}
      </svg>
      {children}
    </figure>
  );
}
