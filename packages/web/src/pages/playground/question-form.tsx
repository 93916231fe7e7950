import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Where a question is typed: Enter asks, Shift and Enter begin a new line. */
export function QuestionForm({
  asked,
  limit,
  isAsking,
  ask,
  stop,
  children,
}: {
  /** The question that the address has. */
  readonly asked: string;
  /** Characters at most. */
  readonly limit: number;
  readonly isAsking: boolean;
  ask(question: string): void;
  stop(): void;
  /** What stands under the button. */
  readonly children?: ComponentChildren;
}) {
  const [text, setText] = useState(asked);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => setText(asked), [asked]);
  useEffect(() => {
    // Who comes to ask can type at once; who was sent an answer reads first.
    if (asked === '') field.current?.focus({ preventScroll: true });
  }, []);
  const isBlank = text.trim() === '';
  const isLong = text.length > limit;
  const submit = (): void => {
    if (!isBlank && !isLong) ask(text);
  };
  return (
    <form
      class="ask"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="hidden" for="question">
        Question
      </label>
      <textarea
        id="question"
        ref={field}
        rows={2}
        dir="auto"
        placeholder="Ask a hard question …"
        value={text}
        aria-describedby="question-keys"
        aria-invalid={isLong}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <div class="ask-buttons">
        {isAsking ? (
          <button type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="submit" class="primary" disabled={isBlank || isLong}>
            Ask
          </button>
        )}
        {children}
      </div>
      <p id="question-keys" class={isLong ? 'too-long' : 'hidden'} role={isLong ? 'alert' : undefined}>
        {isLong
          ? `The question has ${text.length} characters, and the service takes ${limit}.`
          : 'Enter asks, Shift and Enter begin a new line, Escape stops.'}
      </p>
    </form>
  );
}
