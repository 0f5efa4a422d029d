import { Component, type ReactNode } from 'react';
import { Button } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';

/** A bug in a screen must not take the whole page away. */
export class Boundary extends Component<
  { readonly children: ReactNode },
  { readonly error: Error | undefined; readonly at: string }
> {
  override state = { error: undefined as Error | undefined, at: '' };

  static getDerivedStateFromError(error: Error) {
    return { error, at: location.pathname };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <EmptyState title="This screen failed" live>
        <p>
          {error.name}: {error.message}
        </p>
        <Button onClick={() => location.reload()}>Load it again</Button>
      </EmptyState>
    );
  }
}
