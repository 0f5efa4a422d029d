import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { cx } from './class-names.js';
import styles from './button.module.css';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly children: ReactNode;
}

export function Button({ kind = 'plain', className, type = 'button', ...rest }: ButtonProps) {
  return <button {...rest} type={type} className={cx(styles.button, styles[kind], className)} />;
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** What it does; shown on hover, read aloud. */
  readonly label: string;
  readonly keys?: string;
}

export function IconButton({ label, keys, className, type = 'button', ...rest }: IconButtonProps) {
  const title = keys === undefined ? label : `${label} (${keys})`;
  return (
    <button {...rest} type={type} aria-label={label} title={title} className={cx(styles.icon, className)} />
  );
}

/** A link that looks as a button: it leads somewhere, it does nothing. */
export const buttonClass = (kind: NonNullable<ButtonProps['kind']> = 'plain'): string =>
  cx(styles.button, styles[kind]);
