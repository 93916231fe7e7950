import type { FastifyBaseLogger } from 'fastify';
import { QuernError } from '../errors.ts';
import { listenAt } from '../reward/server/listening.ts';
import type { Environment } from '../collections/environment.ts';
import { Warnings } from '../warnings.ts';
import type { ServiceConfig } from './configuration/service-config.ts';
import type { Build } from './data/builds.ts';
import { DataFolder, type DataFolderOptions } from './data/data-folder.ts';
import { serviceApplication } from './http/application.ts';
import { buildRoutes } from './http/routes/build-routes.ts';
import { corpusRoutes } from './http/routes/corpus-routes.ts';
import { indexRoutes } from './http/routes/index-routes.ts';
import type { ConnectionTimes } from './http/connection-bounds.ts';
import { openAiRoutes } from './http/routes/openai-routes.ts';
import { operationRoutes } from './http/routes/operation-routes.ts';
import { rewardRoutes } from './http/routes/reward-routes.ts';
import { runRoutes } from './http/routes/run-routes.ts';
import { searchRoutes } from './http/routes/search-routes.ts';
import { setRoutes } from './http/routes/set-routes.ts';
import { UnderWay } from './http/under-way.ts';
import { mcpRoutes } from './mcp/http.ts';
import { serviceMetrics } from './metrics.ts';
import { Readiness } from './readiness.ts';
import { Runs } from './runs/runs.ts';
import { builtIndexes } from './service/built-indexes.ts';
import { openService, type Service } from './service/service.ts';
import { Sets } from './sets/sets.ts';

/** How a service is started, beside its configuration. */
export interface ServeOptions {
  readonly warnings?: Warnings;
  readonly env?: Environment;
  /** Let anybody ask who reaches the service, where the configuration declares no token. */
  readonly isOpen?: boolean;
  /** Serve agents alone: `/mcp`, and how the service fares. */
  readonly onlyMcp?: boolean;
  /** Where the log goes. Default: stderr. */
  readonly logTo?: { write(line: string): void };
  /** How long connections may take for what. */
  readonly times?: Partial<ConnectionTimes>;
}

/** A service that listens. */
export interface RunningService {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly service: Service;
  /** Resolves when all indexes are open and models loaded; rejects with what cannot be. */
  readonly ready: Promise<void>;
  /** Takes no more requests (503), lets those under way end, and closes everything. */
  close(): Promise<void>;
}

/**
 * Serves what a configuration declares, over HTTP. Throws `USAGE` where others would reach it and no token is asked for, and for an
 * address or port that cannot be had; `MISSING_PACKAGE`; and what opening reasoners throws.
 */
export async function serve(config: ServiceConfig, options: ServeOptions = {}): Promise<RunningService> {
  const { warnings = new Warnings(), env, isOpen, onlyMcp = false, logTo, times } = options;
  const metrics = await serviceMetrics();
  const told: { service?: Service; log?: FastifyBaseLogger } = {};
  const failed = (what: string, code: string, error: unknown): void => {
    metrics.failed(what, code);
    told.log?.error({ what, err: error, cause: (error as Error).cause }, 'failed');
  };
  const data = await openData(config, {
    onIndexChange: (name) => void told.service?.indexes.forget(name),
    onBuildEnd: (build) => {
      if (build.state === 'failed') metrics.failed('build', codeOf(build.error));
      logBuild(told.log, build);
    },
  });
  let service: Service;
  try {
    service = await openService(config, {
      warnings,
      ...(env && { env }),
      ...(data && { built: builtIndexes(data) }),
      observer: { ...metrics, failed: (what, code) => metrics.failed(what, code) },
      failed,
    });
  } catch (error) {
    await data?.close();
    throw error;
  }
  told.service = service;
  const readiness = new Readiness();
  const underWay = new UnderWay(config.limits.requests);
  const stopping = new AbortController();
  try {
    const application = await serviceApplication(service, {
      metrics,
      underWay,
      hasPages: !onlyMcp,
      ...(isOpen !== undefined && { isOpen }),
      ...(logTo && { logTo }),
      ...(times && { times }),
      routes: [
        ...(onlyMcp
          ? []
          : [
              ...searchRoutes(service),
              ...openAiRoutes(service),
              ...rewardRoutes(service),
              ...corpusRoutes(service, data),
              ...indexRoutes(service, data),
              ...buildRoutes(service, data),
              ...runRoutes(new Runs(config.runs)),
              ...setRoutes(new Sets(config.sets)),
            ]),
        ...mcpRoutes(service),
        ...operationRoutes(service, { metrics, readiness, underWay }),
      ],
    });
    told.log = application.log;
    const listening = await listenAt(application, config.listen);
    const ready = readiness.follow(service.ready(stopping.signal));
    // Who does not wait for it asks /readyz: a rejection that nobody takes would end the process.
    ready.catch(() => undefined);
    let closing: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      stopping.abort();
      // Whoever watches one is told that it is cancelled; a build can take longer than anybody waits for the end.
      const stopped = data?.builds.close();
      await underWay.drain(config.limits.grace);
      application.server.closeAllConnections();
      await listening.close();
      await ready.catch(() => undefined);
      await stopped;
      await data?.close();
      await service.close();
    };
    return { url: listening.url, service, ready, close: () => (closing ??= end()) };
  } catch (error) {
    await data?.close();
    await service.close();
    throw error;
  }
}

async function openData(
  { data, limits }: ServiceConfig,
  told: Pick<DataFolderOptions, 'onIndexChange' | 'onBuildEnd'>,
): Promise<DataFolder | undefined> {
  if (data === undefined) return undefined;
  return DataFolder.open(data, {
    limits: { mostFileBytes: limits.upload, mostTotalBytes: limits.data },
    ...told,
  });
}

function logBuild(log: FastifyBaseLogger | undefined, { id, index, corpus, state, error }: Build): void {
  if (state === 'failed')
    log?.error({ build: id, index, corpus, err: error, cause: (error as Error).cause }, 'a build failed');
  else log?.info({ build: id, index, corpus, state }, 'a build ended');
}

function codeOf(error: unknown): string {
  return error instanceof QuernError ? error.code : 'INTERNAL';
}
