/** Directory of `initdb` and `postgres`. */
export function findPostgres(options?: { readonly install?: boolean }): string | undefined;
/** Path of `redis-server`. */
export function findRedis(options?: { readonly install?: boolean }): string | undefined;
