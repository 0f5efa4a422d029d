/** `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `yesterday`, `12 Nov`, `12 Nov 2024`. */
export function ago(iso: string, now: number): string {
  const time = Date.parse(iso);
  const seconds = Math.floor((now - time) / 1000);
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 2 * 86_400) return 'yesterday';
  if (seconds < 7 * 86_400) return `${Math.floor(seconds / 86_400)} days ago`;
  const date = new Date(time);
  return date.getFullYear() === new Date(now).getFullYear() ? day.format(date) : dayOfYear.format(date);
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const exact = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'medium',
});
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** `28 Nov 2026, 15:42:06`. */
export const absolute = (iso: string): string => exact.format(new Date(iso));
/** `15:42:06`. */
export const timeOfDay = (iso: string): string => clock.format(new Date(iso));

/** Relative, with the exact time on hover. */
export function Ago(props: {
  readonly at: string;
  readonly now: number;
  readonly className?: string | undefined;
}) {
  return (
    <time dateTime={props.at} title={absolute(props.at)} className={props.className}>
      {ago(props.at, props.now)}
    </time>
  );
}

/** Exact. */
export const At = ({ at }: { readonly at: string }) => (
  <time dateTime={at} title={at}>
    {absolute(at)}
  </time>
);
