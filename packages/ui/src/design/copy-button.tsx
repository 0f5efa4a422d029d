import { useEffect, useState } from 'react';
import { Button, IconButton } from './button.js';
import { CheckIcon, CopyIcon } from './icons.js';
import styles from './copy-button.module.css';

/** Copies, and says so for a moment. */
export function CopyButton(props: {
  readonly text: string;
  readonly label: string;
  readonly words?: boolean;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (): void => {
    void navigator.clipboard.writeText(props.text).then(() => setCopied(true));
  };
  const icon = copied ? <CheckIcon size={14} /> : <CopyIcon size={14} />;
  if (props.words !== true)
    return (
      <IconButton label={copied ? 'Copied' : props.label} onClick={copy}>
        {icon}
      </IconButton>
    );
  return (
    <Button onClick={copy}>
      {icon}
      {copied ? 'Copied' : props.label}
    </Button>
  );
}

/** A command line to run in a terminal. */
export function Command({ text }: { readonly text: string }) {
  return (
    <span className={styles.command}>
      <code className={styles.text}>{text}</code>
      <CopyButton text={text} label="Copy the command" />
    </span>
  );
}
