import { eventsIn, type ServiceEvent } from './events.ts';
import { errorIn, ServiceError } from './service-error.ts';
import { token } from './token.ts';

/** How a request is made. */
export interface Asking {
  readonly signal?: AbortSignal | undefined;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
}

/** The address of a route, such as `v1/search`, wherever the pages are served. */
export function addressOf(route: string): string {
  const page = new URL(location.href);
  page.hash = '';
  page.search = '';
  return new URL(route, page).href;
}

/** A path of parts, whatever they hold. */
export function path(...parts: readonly (string | number)[]): string {
  return parts.map((part) => encodeURIComponent(part)).join('/');
}

/** What a route answers as JSON. Throws {@link ServiceError}, and `AbortError` when `signal` is aborted. */
export async function ask<T>(route: string, body?: unknown, asking: Asking = {}): Promise<T> {
  const response = await fetched(route, body, asking, 'application/json');
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (asking.signal?.aborted) throw error;
    throw new ServiceError(0, 'BAD_REPLY', 'what was answered is not of the service, or not whole', {
      hint: 'Where a proxy asks who you are, load this page anew',
    });
  }
}

/** What a route answers as a file. */
export async function askFile(route: string, asking: Asking = {}): Promise<Blob> {
  return (await fetched(route, undefined, asking, '*/*')).blob();
}

/** The events that a route answers with, one by one; an event `error` is thrown. */
export async function* askEvents(
  route: string,
  body: unknown,
  asking: Asking = {},
): AsyncGenerator<ServiceEvent, void, undefined> {
  const response = await fetched(route, body, asking, 'text/event-stream');
  for await (const event of eventsIn(response.body!)) {
    if (event.name === 'error') throw errorIn(0, event.data);
    yield event;
  }
}

async function fetched(
  route: string,
  body: unknown,
  { signal, method = body === undefined ? 'GET' : 'POST' }: Asking,
  accept: string,
): Promise<Response> {
  const shown = token();
  if (shown !== undefined && !/^[!-~]+$/.test(shown)) {
    // No header takes it: it would look as if nobody answered.
    throw new ServiceError(401, 'DENIED', 'the token has characters that no token has');
  }
  let response: Response;
  try {
    response = await fetch(addressOf(route), {
      method,
      signal: signal ?? null,
      cache: 'no-store',
      headers: {
        accept,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(shown !== undefined && { authorization: `Bearer ${shown}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServiceError(0, 'UNREACHABLE', 'the service does not answer', {
      hint: 'See whether it still runs',
    });
  }
  if (response.ok) return response;
  throw errorIn(response.status, await response.json().catch(() => undefined));
}
