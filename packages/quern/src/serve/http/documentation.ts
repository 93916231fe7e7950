import type { FastifyInstance } from 'fastify';
import { optionalPackage } from '../../optional-package.ts';
import { quernVersion } from '../../version.ts';
import type { Service } from '../service/service.ts';
import { withErrors } from './documented-errors.ts';

const packages = 'npm install @fastify/swagger @fastify/swagger-ui';

/** Nothing but the page's own files, and the pictures that its styles hold. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The groups of routes, in their order. */
const tags = [
  { name: 'Search', description: 'Questions, reasoned queries and rankings.' },
  { name: 'OpenAI', description: "What clients of OpenAI's API speak." },
  { name: 'MCP', description: 'What agents speak.' },
  { name: 'Training', description: 'Rewards of completions, runs of training and evaluations.' },
  { name: 'Indexes', description: 'Corpora that are uploaded, and indexes that are built of them.' },
  { name: 'Operation', description: 'How the service fares.' },
];

/** Gathers what routes say of themselves into `GET /openapi.json`, which the page `/docs` shows. Throws `MISSING_PACKAGE`. */
export async function addDocumentation(server: FastifyInstance, { config }: Service): Promise<void> {
  const { default: swagger } = await optionalPackage(
    () => import('@fastify/swagger'),
    '@fastify/swagger',
    packages,
  );
  const { default: page } = await optionalPackage(
    () => import('@fastify/swagger-ui'),
    '@fastify/swagger-ui',
    packages,
  );
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Quern',
        version: quernVersion(),
        description:
          'Query reasoning for retrieval: a small language model reasons about a question, and the reasoned text goes to the retriever. Indexes, reasoners, retrievers, embedders and rewards are named as the configuration of the service declares them.',
      },
      tags,
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description:
              config.tokens.length > 0 ? 'A token of this service.' : 'This service asks for no token.',
          },
        },
      },
    },
  });
  await server.register(page, {
    transformSpecification: (document) => withErrors(document),
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () => pagePolicy,
    theme: { title: 'API · Quern' },
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'list',
      deepLinking: true,
      persistAuthorization: false,
      validatorUrl: null,
    },
  });
  server.get(
    '/openapi.json',
    { config: { facts: { scope: 'open', always: true, takesStream: false } }, schema: { hide: true } },
    async () => withErrors(server.swagger()),
  );
}
