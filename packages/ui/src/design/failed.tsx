import { Button } from './button.js';
import { EmptyState } from './empty-state.js';

/** Something could not be read: what the server says about it, and another try. */
export function Failed(props: {
  readonly error: Error & { readonly help?: string | undefined };
  readonly what: string;
  readonly onRetry: () => void;
  readonly small?: boolean;
}) {
  return (
    <EmptyState
      title={`Could not read ${props.what}`}
      live
      small={props.small === true}
      whole={props.small !== true}
    >
      <p>{props.error.message}.</p>
      {props.error.help === undefined ? null : <p>{props.error.help}</p>}
      <Button onClick={props.onRetry}>Try again</Button>
    </EmptyState>
  );
}
