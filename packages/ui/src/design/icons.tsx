import type { ReactNode } from 'react';

/** Drawn on 16 units, with the colour of the text around it. They mean nothing alone: a word stands beside. */
export function Icon(props: {
  readonly children: ReactNode;
  readonly size?: number;
  readonly className?: string;
}) {
  const { size = 16 } = props;
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={props.className}
    >
      {props.children}
    </svg>
  );
}

const icon = (d: string) =>
  function NamedIcon(props: { readonly size?: number; readonly className?: string }) {
    return (
      <Icon {...props}>
        <path d={d} />
      </Icon>
    );
  };

export const SearchIcon = icon('M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm3.3-1.2 3.2 3.2');
export const CloseIcon = icon('m4 4 8 8m0-8-8 8');
export const CopyIcon = icon(
  'M6 5.5A1.5 1.5 0 0 1 7.5 4h4A1.5 1.5 0 0 1 13 5.5v6a1.5 1.5 0 0 1-1.5 1.5h-4A1.5 1.5 0 0 1 6 11.5ZM10 4V3.5A1.5 1.5 0 0 0 8.5 2h-4A1.5 1.5 0 0 0 3 3.5v5A1.5 1.5 0 0 0 4.5 10H6',
);
export const CheckIcon = icon('m3.5 8.5 3 3 6-7');
export const ChevronIcon = icon('m6 4 4 4-4 4');
export const UpIcon = icon('m4 10 4-4 4 4');
export const DownIcon = icon('m4 6 4 4 4-4');
export const GraphIcon = icon(
  'M2 5.5h4v5H2ZM10 2h4v4h-4Zm0 8h4v4h-4ZM6 8h1.5a1 1 0 0 0 1-1V5a1 1 0 0 1 1-1h.5M7.5 8a1 1 0 0 1 1 1v2a1 1 0 0 0 1 1h.5',
);
export const TimelineIcon = icon('M2.5 3.5h6m-3 4.5h6m-2 4.5h4');
export const TableIcon = icon('M2 3h12v10H2Zm0 3.3h12M2 9.7h12M6 6.3V13');
export const StopIcon = icon('M4 4h8v8H4Z');
export const RerunIcon = icon('M13 8a5 5 0 1 1-1.6-3.7L13 5.5M13 2.5v3h-3');
export const CompareIcon = icon('M5 3v10m0 0-2-2m2 2 2-2m4 2V3m0 0L9 5m2-2 2 2');
export const PlayIcon = icon('M5 3.2v9.6L12.5 8Z');
export const FitIcon = icon(
  'M2.5 6V3.5A1 1 0 0 1 3.5 2.5H6m4 0h2.5a1 1 0 0 1 1 1V6m0 4v2.5a1 1 0 0 1-1 1H10m-4 0H3.5a1 1 0 0 1-1-1V10',
);
export const PlusIcon = icon('M8 3.5v9M3.5 8h9');
export const MinusIcon = icon('M3.5 8h9');
export const SunIcon = icon(
  'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm0-3.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7m7.8 7.8.7.7m0-9.2-.7.7M4.1 11.9l-.7.7',
);
export const MoonIcon = icon('M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5Z');
export const AutoIcon = icon('M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm0 0v11M8 4a4 4 0 0 1 0 8');
export const HelpIcon = icon(
  'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.3 6.3a1.7 1.7 0 1 1 2.5 1.5c-.5.3-.8.6-.8 1.2M8 11.3v.01',
);
export const BranchIcon = icon(
  'M5 5.5v5m0-5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Zm0 5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3Zm6-5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Zm0 0c0 2.5-2.5 2.5-4 3',
);
export const DownloadIcon = icon('M8 2.5v7.5m0 0L5 7m3 3 3-3M3 13h10');
