import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ServiceError } from '../service/service-error.ts';
import { keepToken, token } from '../service/token.ts';
import type { Loaded } from '../service/use-answer.ts';

/** What stands where something is waited for. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      Loading {what} …
    </p>
  );
}

/** What stands where there is nothing yet, and how there comes to be something. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/**
 * What went wrong, what to do (`children`: what else), and another try where one may help. Where a token is asked for, it is asked
 * for here.
 */
export function Failed({
  error,
  again,
  children,
}: {
  readonly error: Error;
  readonly again?: (() => void) | undefined;
  readonly children?: ComponentChildren;
}) {
  const { status, hint, where } = error instanceof ServiceError ? error : ({} as Partial<ServiceError>);
  if (status === 401) return <AskForToken isWrong={token() !== undefined} />;
  return (
    <section class="failed" role="alert">
      <p>
        <strong>{sentence(where === undefined ? error.message : `${where}: ${error.message}`)}</strong>
      </p>
      {hint !== undefined && <p>{sentence(hint)}</p>}
      {children}
      {again && isPassing(status) && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </section>
  );
}

/** Whether the same asked again may be answered otherwise; what is no error of the service may be anything. */
function isPassing(status = 0): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** `children` of what was loaded; what stands in its place before, or instead. */
export function Once<T>({
  loaded,
  what,
  children,
}: {
  readonly loaded: Loaded<T>;
  readonly what: string;
  readonly children: (value: T) => ComponentChildren;
}) {
  if (loaded.state === 'loading') return <Loading what={what} />;
  if (loaded.state === 'failed') return <Failed error={loaded.error} again={loaded.again} />;
  return <>{children(loaded.value)}</>;
}

function AskForToken({ isWrong }: { readonly isWrong: boolean }) {
  const [given, setGiven] = useState('');
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault();
        if (given.trim() !== '') keepToken(given.trim());
      }}
    >
      <h2>This service asks for a token</h2>
      {isWrong && <p role="alert">The one that was given does not allow this.</p>}
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
      </label>
      <p class="note">It stays in this tab, and is forgotten when the tab is closed.</p>
      <button type="submit" class="primary">
        Go on
      </button>
    </form>
  );
}

/** A message as a sentence: messages begin in lower case and end without a full stop. */
export function sentence(message: string): string {
  const text = message.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? '' : '.');
}
