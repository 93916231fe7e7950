/** That samples did not come, and another try. */
export function NotRead({
  what,
  error,
  again,
}: {
  readonly what: string;
  readonly error: Error;
  again(): void;
}) {
  return (
    <p role="alert">
      {what} cannot be read: {error.message}.{' '}
      <button type="button" class="quiet" onClick={again}>
        Try again
      </button>
    </p>
  );
}
