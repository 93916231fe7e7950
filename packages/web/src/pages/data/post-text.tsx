import type { ComponentChildren } from 'preact';
import { marked } from './marked.ts';
import { textBlocks } from './text-blocks.ts';
import type { CutText } from './wire.ts';

/** A text of a post, as text only: what looks like code keeps its lines, and what was sought is marked. */
export function PostText({ of: { text, isCut }, sought }: { readonly of: CutText; readonly sought: string }) {
  return (
    <div class="post" dir="auto">
      {textBlocks(text).map((block, i) =>
        block.isCode ? (
          <pre key={i} tabIndex={0}>
            {withMarks(block.text, sought)}
          </pre>
        ) : (
          <p key={i}>{withMarks(block.text, sought)}</p>
        ),
      )}
      {isCut && <p class="note">Here it is cut: only its beginning is shown.</p>}
    </div>
  );
}

/** A text in which what was sought is marked. */
export function withMarks(text: string, sought: string): ComponentChildren {
  return marked(text, sought).map((part, i) =>
    part.isMarked ? <mark key={i}>{part.text}</mark> : part.text,
  );
}
