export function findChromium(options?: { readonly install?: boolean }): string | undefined;
