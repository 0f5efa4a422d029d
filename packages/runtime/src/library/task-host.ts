import { hasRunHost } from '@run-pipeline/core/define';
import type { Project, ProjectPaths } from '../project/project.js';
import type { TaskHost } from '../tasks/index.js';

/** What `Task` reaches through this package; everything is loaded when it is first asked for. */
export function createTaskHost(): TaskHost {
  const opened = new Map<string, Promise<Project>>();
  return {
    // The command line, and a worker, have set theirs by then.
    mayStart: !hasRunHost(),
    async open(given) {
      const { openProjectAt } = await import('../engine/open-project.js');
      const { resolvePaths } = await import('../project/index.js');
      const paths: ProjectPaths = given ?? resolvePaths({ cwd: process.cwd(), env: process.env });
      const known = opened.get(paths.home);
      if (known !== undefined) return known;
      const opening = openProjectAt(paths, process.env);
      opened.set(paths.home, opening);
      // What could not be opened may be there next time.
      opening.catch(() => opened.delete(paths.home));
      return opening;
    },
    async packageScript(request) {
      const { packageScript, publishPackages, signPackages } = await import('../package/index.js');
      const packaged = await packageScript(request);
      signPackages(request.paths, [packaged.hash]);
      await publishPackages(request.paths, [packaged.hash]);
      return packaged;
    },
    async toSource() {
      const { mapToSource } = await import('../discover/map-to-source.js');
      return mapToSource;
    },
    async errorRecords() {
      const { errorRecord } = await import('../engine/error-record.js');
      return errorRecord;
    },
    // Beside the built entry that this is a part of.
    recorder: new URL('./recorder.js', import.meta.url),
  };
}
