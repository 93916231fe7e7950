/** What the service says of a request that it does not answer. */
export class ServiceError extends Error {
  /** Of HTTP; 0 where nobody answered. */
  readonly status: number;
  /** A word such as `NOT_FOUND`. */
  readonly code: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    { where, hint }: { readonly where?: string | undefined; readonly hint?: string | undefined } = {},
  ) {
    super(message);
    this.name = 'ServiceError';
    this.status = status;
    this.code = code;
    this.where = where;
    this.hint = hint;
  }
}

/** The error in a body as every error is answered; of a body of another kind, what its status says. */
export function errorIn(status: number, body: unknown): ServiceError {
  const { error } = (body ?? {}) as { readonly error?: Readonly<Record<string, unknown>> };
  const text = (key: string): string | undefined => {
    const value = error?.[key];
    return typeof value === 'string' ? value : undefined;
  };
  const message = text('message') ?? `the service answered with ${status}`;
  return new ServiceError(status, text('code') ?? 'UNKNOWN', message, {
    where: text('where'),
    hint: text('hint'),
  });
}
