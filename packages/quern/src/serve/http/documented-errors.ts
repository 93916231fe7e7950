import * as z from 'zod';
import { errorAnswerSchema } from './answers.ts';

/** What of an operation decides how it can fail. */
interface Operation {
  readonly requestBody?: unknown;
  readonly parameters?: readonly unknown[];
  readonly security?: readonly unknown[];
  readonly responses?: Readonly<Record<string, unknown>>;
}

/** An OpenAPI document, as far as errors are added to it. */
interface ApiDocument {
  readonly components?: Readonly<Record<string, unknown>>;
  readonly paths?: Readonly<Record<string, unknown>>;
}

/** An error that routes have in common. */
interface CommonError {
  readonly name: string;
  readonly description: string;
  readonly code: string;
  readonly message: string;
  readonly type: string;
  readonly where?: string;
  readonly hint?: string;
  readonly retries?: true;
  /** The routes that it is an answer of. Default: those that not everybody may ask. */
  readonly of?: 'inputs' | 'bodies';
}

const refused = 'invalid_request_error';

/** The errors by their statuses. */
const errors: Readonly<Record<number, CommonError>> = {
  400: {
    name: 'BadRequest',
    description: 'The request is not what it must be; `where` is the field.',
    code: 'BAD_INPUT',
    message: 'query is missing',
    type: refused,
    where: 'query',
    of: 'inputs',
  },
  401: {
    name: 'Unauthorized',
    description: 'A token is asked for, and is missing or wrong.',
    code: 'DENIED',
    message: 'the token is missing',
    type: 'authentication_error',
    where: 'authorization',
    hint: 'Send it as Authorization: Bearer TOKEN',
  },
  403: {
    name: 'Forbidden',
    description: 'The token does not allow it, or a page elsewhere asks.',
    code: 'DENIED',
    message: 'the token ci allows read, and this needs write',
    type: 'permission_error',
    where: 'authorization',
  },
  404: {
    name: 'NotFound',
    description: 'The configuration declares nothing of that name.',
    code: 'NOT_FOUND',
    message: 'there is no index notes',
    type: 'not_found_error',
    where: 'index',
    hint: 'There are papers, wiki',
    of: 'inputs',
  },
  413: {
    name: 'TooLarge',
    description: 'The body is larger than the service takes.',
    code: 'BAD_INPUT',
    message: 'Request body is too large',
    type: refused,
    of: 'bodies',
  },
  415: {
    name: 'NoJson',
    description: 'The body is not of the type that the route takes.',
    code: 'BAD_INPUT',
    message: 'Unsupported Media Type',
    type: refused,
    of: 'bodies',
  },
  429: {
    name: 'Overloaded',
    description: 'More is asked than the service takes at once, or a token may ask in a minute.',
    code: 'OVERLOADED',
    message: 'too many generations: 64 generations wait already',
    type: 'rate_limit_error',
    hint: 'Try again in about 3 s',
    retries: true,
  },
  500: {
    name: 'Failed',
    description: 'The service is at fault; its log says more, under the id of the request.',
    code: 'INTERNAL',
    message: 'the service failed',
    type: 'server_error',
  },
  503: {
    name: 'Unavailable',
    description: 'What is asked for cannot be had now, or the service shuts down.',
    code: 'UNAVAILABLE',
    message: 'the index notes is not available',
    type: 'server_error',
    retries: true,
  },
  504: {
    name: 'Late',
    description: 'It took longer than it may.',
    code: 'TIMEOUT',
    message: 'it took longer than it may',
    type: 'server_error',
    of: 'bodies',
  },
};

const methods = ['get', 'post', 'put', 'delete'] as const;

/** An OpenAPI document with the errors that routes have in common: each is said once, and operations refer to it. */
export function withErrors<D extends object>(document: D): D {
  const { components = {}, paths = {} } = document as ApiDocument;
  const { $schema: _, ...schema } = z.toJSONSchema(errorAnswerSchema, { io: 'input' });
  const responses = Object.fromEntries(Object.values(errors).map((each) => [each.name, response(each)]));
  return {
    ...document,
    components: {
      ...components,
      schemas: { ...(components['schemas'] as object | undefined), Error: schema },
      responses: { ...(components['responses'] as object | undefined), ...responses },
    },
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, item]) => [
        path,
        Object.fromEntries(
          Object.entries(item as Record<string, unknown>).map(([key, value]) => [
            key,
            methods.some((method) => method === key) ? withResponses(value as Operation) : value,
          ]),
        ),
      ]),
    ),
  };
}

function withResponses(operation: Operation): Operation {
  const { requestBody, parameters = [], security = [], responses = {} } = operation;
  if (security.length === 0) return operation;
  const hasBody = requestBody !== undefined;
  const hasInput = hasBody || parameters.length > 0;
  const own = Object.entries(errors)
    .filter(([, { of }]) => of === undefined || (of === 'bodies' ? hasBody : hasInput))
    .map(([status, { name }]) => [status, { $ref: `#/components/responses/${name}` }] as const);
  return { ...operation, responses: { ...Object.fromEntries(own), ...responses } };
}

function response({ description, code, message, type, where, hint, retries }: CommonError): object {
  const details = { ...(where !== undefined && { where }), ...(hint !== undefined && { hint }) };
  const example = { error: { code, message, type, param: where ?? null, ...details } };
  return {
    description,
    ...(retries && {
      headers: {
        'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 1 } },
      },
    }),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' }, example } },
  };
}
