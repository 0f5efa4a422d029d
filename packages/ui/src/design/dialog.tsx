import { useEffect, useRef, type ReactNode } from 'react';
import { cx } from './class-names.js';
import styles from './dialog.module.css';

/** A modal dialog: focus stays inside, Escape and a click beside it close it. */
export function Dialog(props: {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const { onClose } = props;
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement || before instanceof SVGElement)
        before.focus({ preventScroll: true });
    };
  }, []);
  return (
    // The backdrop belongs to the dialog itself: a click on it has the dialog as its target.
    <dialog
      ref={ref}
      aria-label={props.label}
      className={cx(styles.dialog, props.wide === true && styles.wide)}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className={styles.inside}>{props.children}</div>
    </dialog>
  );
}
