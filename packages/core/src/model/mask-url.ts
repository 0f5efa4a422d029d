/**
 * What may open something stands in addresses: a password before the host, a token in the query. Every
 * address that is shown (messages, logs, events, JSON) goes through here first. Works on text that is not
 * a URL as well, since a mistyped address is what error messages show most.
 *
 * @example
 * ```ts no-run
 * maskUrl('postgres://app:secret@db.local/runs?sslmode=verify-full');
 * // 'postgres://app:***@db.local/runs?sslmode=verify-full'
 * ```
 */
export function maskUrl(url: string): string {
  return maskQuery(maskUserInfo(url));
}

/** The same for each address inside of a text: the messages of drivers quote them. */
export function maskUrls(text: string): string {
  return text.replace(URLS, maskUrl);
}

/** Up to what ends an address in prose. A password with a space in it is no address any more: the scheme's line goes. */
const URLS = /[a-z][a-z\d+.-]*:\/\/[^\s"'`<>]+/gi;

// The last `@` counts: a password that was not encoded may hold `@`, `/`, `?` and `#`.
// Something may stand before the scheme: a quote, a blank, the name of a variable.
const USER_INFO = /^(.*?[a-z][a-z\d+.-]*:\/\/)([^:@]*):(.*)@/is;
const maskUserInfo = (url: string): string =>
  url.replace(USER_INFO, (_, scheme: string, user: string, password: string) =>
    password === '' ? `${scheme}${user}:@` : `${scheme}${user}:***@`,
  );

const SECRET_NAMES = /pass|pwd|secret|token|credential|signature|(?<!ssl)key$|^sig$|auth/i;
const maskQuery = (url: string): string =>
  url.replace(/([?&;])([^=&;#?]*)=([^&;#]*)/g, (whole, separator: string, name: string, value: string) =>
    value !== '' && SECRET_NAMES.test(decoded(name)) ? `${separator}${name}=***` : whole,
  );

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
