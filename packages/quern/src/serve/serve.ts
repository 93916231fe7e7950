import { listenAt } from '../reward/server/listening.ts';
import type { Environment } from '../collections/environment.ts';
import { Warnings } from '../warnings.ts';
import type { ServiceConfig } from './configuration/service-config.ts';
import { serviceApplication } from './http/application.ts';
import { openAiRoutes } from './http/routes/openai-routes.ts';
import { operationRoutes } from './http/routes/operation-routes.ts';
import { rewardRoutes } from './http/routes/reward-routes.ts';
import { runRoutes } from './http/routes/run-routes.ts';
import { searchRoutes } from './http/routes/search-routes.ts';
import { UnderWay } from './http/under-way.ts';
import { mcpRoutes } from './mcp/http.ts';
import { serviceMetrics } from './metrics.ts';
import { Readiness } from './readiness.ts';
import { Runs } from './runs/runs.ts';
import { openService, type Service } from './service/service.ts';

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
  const { warnings = new Warnings(), env, isOpen, onlyMcp = false, logTo } = options;
  const metrics = await serviceMetrics();
  const service = await openService(config, {
    warnings,
    ...(env && { env }),
    observer: { ...metrics, failed: (what, code) => metrics.failed(what, code) },
  });
  const readiness = new Readiness();
  const underWay = new UnderWay(config.limits.requests);
  const stopping = new AbortController();
  try {
    const application = await serviceApplication(service, {
      metrics,
      underWay,
      ...(isOpen !== undefined && { isOpen }),
      ...(logTo && { logTo }),
      routes: [
        ...(onlyMcp
          ? []
          : [
              ...searchRoutes(service),
              ...openAiRoutes(service),
              ...rewardRoutes(service),
              ...runRoutes(new Runs(config.runs)),
            ]),
        ...mcpRoutes(service),
        ...operationRoutes(service, { metrics, readiness, underWay }),
      ],
    });
    const listening = await listenAt(application, config.listen);
    const ready = readiness.follow(service.ready(stopping.signal));
    let closing: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      stopping.abort();
      await underWay.drain(config.limits.grace);
      application.server.closeAllConnections();
      await listening.close();
      await ready.catch(() => undefined);
      await service.close();
    };
    return { url: listening.url, service, ready, close: () => (closing ??= end()) };
  } catch (error) {
    await service.close();
    throw error;
  }
}
