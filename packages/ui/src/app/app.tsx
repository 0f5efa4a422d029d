import { QueryClientProvider } from '@tanstack/react-query';
import { queryClient } from '../data/queries.js';
import { Boundary } from './boundary.js';
import { Screens } from './screens.js';
import { Shell } from './shell.js';

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Boundary>
        <Shell>
          <Boundary>
            <Screens />
          </Boundary>
        </Shell>
      </Boundary>
    </QueryClientProvider>
  );
}
