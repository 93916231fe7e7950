/** Quern as a service: what `quern serve` runs. */
export { serve, type RunningService, type ServeOptions } from './serve/serve.ts';
export { readServiceConfig, type ServiceConfigSource } from './serve/configuration/read-service-config.ts';
export type * from './serve/configuration/service-config.ts';
export { newToken, tokenHash } from './serve/configuration/tokens.ts';
export { openService, type Service, type ServiceSettings } from './serve/service/service.ts';
export type { Observer, Stage } from './serve/service/observer.ts';
export { search, type SearchAnswer, type SearchHit } from './serve/service/search.ts';
export { searchSchema, type SearchRequest } from './serve/service/search-request.ts';
export { reason, reasoned, type ReasonRequest } from './serve/service/reason.ts';
