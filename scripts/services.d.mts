/** Directory of `initdb` and `postgres`. */
export function findPostgres(options?: { readonly install?: boolean }): string | undefined;
