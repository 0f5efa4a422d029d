/** The code of every command: one piece, because a start that reads many small files is slower. */
export { agentCommand } from './agent.js';
export { agentLsCommand } from './agent-ls.js';
export { checkCommand } from './check.js';
export { completionCommand } from './completion.js';
export { debugCommand } from './debug.js';
export { diffCommand } from './diff.js';
export { doctorCommand } from './doctor.js';
export { followCommand } from './follow.js';
export { gcCommand } from './gc.js';
export { getCommand } from './get.js';
export { graphCommand } from './graph.js';
export { initCommand } from './init.js';
export { keysNewCommand, keysShowCommand } from './keys.js';
export { logsCommand } from './logs.js';
export { planCommand } from './plan.js';
export {
  queueClearCommand,
  queueCreateCommand,
  queueLimitCommand,
  queueLsCommand,
  queueShowCommand,
} from './queue.js';
export { reportCommand } from './report.js';
export { rerunCommand } from './rerun.js';
export { resumeCommand } from './resume.js';
export { runCommand } from './run.js';
export { runsCommand } from './runs.js';
export { showCommand } from './show.js';
export { stopCommand } from './stop.js';
export { taskAbortCommand, taskCloneCommand, taskEnqueueCommand, taskPublishCommand } from './task-change.js';
export { taskCreateCommand } from './task-create.js';
export { taskLogsCommand } from './task-logs.js';
export { taskLsCommand } from './task-ls.js';
export { taskRunCommand } from './task-run.js';
export { taskGetCommand, taskShowCommand } from './task-show.js';
export { uiCommand } from './ui.js';
export { whyCommand } from './why.js';
export { reportError } from '../report-error.js';
export { usageError } from '../usage-error.js';
