import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Scope } from '../configuration/service-config.ts';
import { StatusError } from './answer-error.ts';

/** What a route is handed. */
export interface Call<B> {
  /** The checked body. */
  readonly body: B;
  /** Parts of the path by their names, as text. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Aborted when the client goes before it is answered, or at the end of a shutdown's patience. */
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** An answer that a route documents. */
export interface DocumentedAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly example?: unknown;
  /** Default `application/json`. */
  readonly type?: string;
  /** Where the answer can be server-sent events: what they are, and what the data of one is. */
  readonly events?: { readonly description: string; readonly schema?: z.ZodType };
}

/** A route: what it is called, who may, what it takes, and what it answers. */
export interface Route<B = unknown> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As fastify has it, e.g. `/v1/indexes/:name`. */
  readonly path: string;
  /** `open`: whoever reaches the service. */
  readonly scope: Scope | 'open';
  /** The group in the documentation. */
  readonly tag: string;
  /** One line. */
  readonly summary: string;
  readonly description?: string;
  /** What the body must be; without one it is not read. */
  readonly body?: z.ZodType<B>;
  /** Bodies as examples, by their names. */
  readonly examples?: Readonly<Record<string, unknown>>;
  /** What parts of the path and the query mean, by their names. */
  readonly params?: Readonly<Record<string, string>>;
  readonly querystring?: Readonly<Record<string, string>>;
  /** By status. */
  readonly answers: Readonly<Record<number, DocumentedAnswer>>;
  /** The most bytes of the body, where it is not the service's. */
  readonly bodyLimit?: number;
  /** Whether the handler reads the request itself: no body is read, no time is set for it, and any type is let through. */
  readonly takesStream?: boolean;
  /** With `takesStream`: the types that it takes. */
  readonly takes?: readonly string[];
  /** Whether it is done also when the service takes no more, and however many requests are under way. */
  readonly always?: boolean;
  handle(call: Call<B>): Promise<unknown>;
}

/** What fastify keeps of a route for the hooks. */
export interface RouteFacts {
  readonly scope: Scope | 'open';
  readonly always: boolean;
  readonly takesStream: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly facts?: RouteFacts;
  }
  interface FastifyRequest {
    /** Aborted when the client goes, or the shutdown's patience ends. */
    goneSignal: AbortSignal;
    /** The name of the token that was shown. */
    tokenName: string | undefined;
  }
}

/** A route with the type of its body hidden, so that several are a list. */
export function route<B>(definition: Route<B>): Route {
  return definition as unknown as Route;
}

/** Adds a route to the application. */
export function addRoute(server: FastifyInstance, definition: Route): void {
  const { method, path, scope, bodyLimit, always = false, takesStream = false, body } = definition;
  server.route({
    method,
    url: path,
    ...(bodyLimit !== undefined && { bodyLimit }),
    config: { facts: { scope, always, takesStream } },
    schema: documentation(definition),
    handler: (request, reply) =>
      definition.handle({
        body: body === undefined ? undefined : checkedBody(body, request.body),
        params: request.params as Record<string, string>,
        query: request.query as Record<string, unknown>,
        signal: request.goneSignal,
        request,
        reply,
      }),
  });
}

/** A body that is what it must be. Throws `BAD_INPUT` naming the field. */
export function checkedBody<B>(schema: z.ZodType<B>, body: unknown): B {
  const checked = schema.safeParse(body, {
    error: (issue) => wrongWith(issue as z.core.$ZodRawIssue),
  });
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const path = [...issue!.path, ...(issue!.code === 'unrecognized_keys' ? issue!.keys.slice(0, 1) : [])];
  const where = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const message = issue!.code === 'unrecognized_keys' ? 'there is no such field' : issue!.message;
  const hint: unknown = issue!.code === 'custom' ? issue!.params?.['hint'] : undefined;
  throw new StatusError(400, 'BAD_INPUT', message, {
    where: where.replace(/^\./, '').slice(0, 200) || 'body',
    ...(typeof hint === 'string' && { hint }),
  });
}

/** What is wrong with a field, as said of it; of what a schema says in its own words, nothing. */
function wrongWith(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `is no ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `has more than ${issue.maximum} items`
        : `must be ${issue.maximum} at most`;
    case 'too_small':
      return issue.origin === 'array'
        ? `has fewer than ${issue.minimum} items`
        : `must be ${issue.minimum} at least`;
    default:
      return undefined;
  }
}

/** What the OpenAPI document says of a route, as fastify's schema. */
function documentation(definition: Route): Record<string, unknown> {
  const { method, path, summary, description, tag, scope, body } = definition;
  const { takes, examples, params, querystring, answers } = definition;
  return {
    operationId: operationId(method, path),
    summary,
    tags: [tag],
    ...(description !== undefined && { description }),
    security: scope === 'open' ? [] : [{ token: [] }],
    ...(body && {
      body: { ...jsonSchema(body), ...(examples && { 'x-examples': namedExamples(examples) }) },
    }),
    ...(takes && { consumes: takes, body: { type: 'string', format: 'binary' } }),
    ...(params && { params: textFields(params) }),
    ...(querystring && { querystring: textFields(querystring) }),
    response: Object.fromEntries(
      Object.entries(answers).map(([status, each]) => [status, documentedAnswer(each)]),
    ),
  };
}

/** Examples as OpenAPI has them, in fastify's schema. */
function namedExamples(examples: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
}

/** E.g. `postV1ChatCompletions`: what generated clients call it. */
function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

function textFields(fields: Readonly<Record<string, string>>): object {
  const described = Object.entries(fields).map(([name, description]) => [
    name,
    { type: 'string', description },
  ]);
  return { type: 'object', properties: Object.fromEntries(described) as object };
}

function documentedAnswer({
  description,
  schema,
  example,
  type = 'application/json',
  events,
}: DocumentedAnswer): object {
  return {
    description,
    content: {
      [type]: {
        schema: {
          ...(schema ? jsonSchema(schema) : {}),
          ...(example !== undefined && { examples: [example] }),
        },
      },
      ...(events && {
        'text/event-stream': {
          schema: {
            type: 'string',
            description: events.description,
            ...(events.schema && {
              contentMediaType: 'application/json',
              contentSchema: jsonSchema(events.schema),
            }),
          },
        },
      }),
    },
  };
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
