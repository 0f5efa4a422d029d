/** What is larger is a download. */
export const LARGEST_DOCUMENT = 20 * 1024 * 1024;

/** Whether a file is an HTML document, by its name: any text could be one by its content. */
export const isDocument = (fileName: string): boolean => /\.html?$/i.test(fileName);

/**
 * What a document of a run may do in the frame that shows it: lay itself out. No scripts, no forms, no
 * loads, an origin of its own, and only our page may frame it.
 */
export const DOCUMENT_POLICY = [
  'sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

/**
 * An HTML document as text that connects to nowhere. Its policy stops everything that is loaded, but
 * browsers open connections ahead of it: for hints (`<link rel="preconnect">`), for frames, for a link that
 * is clicked, the host of each learns that somebody reads. So these elements are none any more. Without
 * scripts only the parser makes elements, and it makes these of nothing but the letters that are looked for
 * here. Links to a place inside of the document stay; what could lead them elsewhere (`<base>`, an
 * animation of their address) goes.
 */
export const quietDocument = (bytes: Uint8Array): string => textOf(bytes).replace(CONNECTS, '<x-$1');

const CONNECTS =
  /<(link|base|iframe|frame|object|embed|portal|fencedframe|area|set|animate|a(?!\s+href\s*=\s*(?:"#|'#|#)))(?=[\s/>])/gi;

/** By its byte order mark; else UTF-8, or what old editors wrote. */
function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
