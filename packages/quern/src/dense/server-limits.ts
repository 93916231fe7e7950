/** How far a server of embeddings or rankings is waited for and burdened; times in milliseconds. */
export const serverLimits = { concurrency: 4, retries: 4, idle: 60_000, total: 600_000 } as const;
