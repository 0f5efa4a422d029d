import { OWN_TASK_STATUSES, TASK_TYPES } from '@run-pipeline/core/model';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './command.js';

/**
 * Every command of the command line: the only place that lists them. `load` keeps the
 * start of `--help` and of a wrong word lean; the commands themselves are one piece.
 */

const FILE: ArgumentSpec = { name: 'FILE[#name]', completes: 'file' };
const RUN: ArgumentSpec = { name: 'RUN', completes: 'run' };
const STEP: ArgumentSpec = { name: 'STEP', completes: 'text' };

const PARAM: OptionSpec = {
  name: 'param',
  short: 'p',
  value: 'NAME=VALUE',
  repeatable: true,
  summary: 'a parameter of the pipeline; may be repeated',
};
const CONCURRENCY: OptionSpec = {
  name: 'concurrency',
  short: 'c',
  value: 'N',
  type: 'count',
  summary: 'steps at once (default: the number of cores)',
};
const OUTPUT: OptionSpec = {
  name: 'output',
  value: 'auto|live|stream|quiet',
  type: ['auto', 'live', 'stream', 'quiet'],
  summary: 'how the run is shown (auto: live on a terminal, else stream)',
};
const REFRESH: OptionSpec = {
  name: 'refresh',
  value: 'STEP',
  valueOptional: true,
  repeatable: true,
  summary: 'execute although cached, and replace the cached result: all steps, or =STEP',
};
const NO_CACHE: OptionSpec = { name: 'no-cache', summary: 'neither read nor write the cache' };
const SELECTION: readonly OptionSpec[] = [
  { name: 'from', value: 'STEP', summary: 'this step and what depends on it; the rest from the latest run' },
  { name: 'to', value: 'STEP', summary: 'this step and what it depends on' },
  { name: 'only', value: 'STEP', summary: 'this step alone; its inputs from the latest run' },
];
/** Where steps run. */
const PLACE: readonly OptionSpec[] = [
  { name: 'queue', value: 'Q', summary: 'steps without a queue of their own go to agents on Q' },
  { name: 'local', summary: 'run every step in this process, whatever its queue' },
  {
    name: 'priority',
    value: 'N',
    type: 'priority',
    summary: 'of several runs the higher one is first; added to the priority of each step (default: 0)',
  },
];
const REMOTE: OptionSpec = {
  name: 'remote',
  value: 'Q',
  valueOptional: true,
  summary: 'an agent runs the controller too, from this queue (default: services); Ctrl-C leaves it alone',
};
const LIMIT: OptionSpec = {
  name: 'limit',
  short: 'n',
  value: 'N',
  type: 'count',
  summary: 'at most so many (default 20; with --json all)',
};
const OUT: OptionSpec = {
  name: 'out',
  short: 'o',
  value: 'PATH',
  type: 'path',
  summary: 'write to this file (a directory artifact: to this directory)',
};
const STREAM: OptionSpec = {
  name: 'stream',
  value: 'stdout|stderr',
  type: ['stdout', 'stderr'],
  summary: 'only this stream',
};
const QUEUE: ArgumentSpec = { name: 'QUEUE', completes: 'queue' };
const PAGE: readonly OptionSpec[] = [
  { name: 'ui', summary: 'serve the web page in the background, and print the link of the run' },
  { name: 'open', summary: 'the same, and open it in the browser' },
];
const RUN_HELP = 'RUN is an id, a unique beginning of one, NAME#NUMBER, or latest.';

const TASK: ArgumentSpec = { name: 'TASK', completes: 'task' };
const SCRIPT: ArgumentSpec = { name: 'SCRIPT', completes: 'file' };
const TASK_HELP = 'TASK is an id, a unique beginning of one, PROJECT/NAME (the newest), RUN.STEP, or latest.';
const ARG_HELP = 'The script understands --arg as the type of its own default.';
const TYPE: OptionSpec = {
  name: 'type',
  value: 'TYPE',
  type: TASK_TYPES,
  summary: 'what it is for (default: training)',
};
const ARG: OptionSpec = {
  name: 'arg',
  value: 'SECTION/NAME=VALUE',
  repeatable: true,
  summary: 'a parameter (a name alone: section General); may be repeated',
};
const CONFIG: OptionSpec = {
  name: 'config',
  value: 'NAME=TEXT',
  repeatable: true,
  summary: 'a configuration, as text or JSON, or from a file: NAME=@FILE; may be repeated',
};
const PRIORITY: OptionSpec = {
  name: 'priority',
  value: 'N',
  type: 'priority',
  summary: 'higher is sooner (default: 0)',
};
const NEEDS: OptionSpec = {
  name: 'resources',
  value: 'gpu=1,ram=16',
  type: 'resources',
  repeatable: true,
  summary: 'what it needs of an agent; none: nothing (default: as when it was enqueued last)',
};
const AT_ONCE: readonly OptionSpec[] = [
  { name: 'queue', value: 'Q', summary: 'put it into this queue at once' },
  PRIORITY,
  NEEDS,
];
const SCRIPT_OPTIONS: readonly OptionSpec[] = [
  { name: 'project', value: 'NAME', summary: 'tasks are found by project and name' },
  { name: 'name', value: 'NAME', summary: 'tasks are found by project and name' },
  TYPE,
  { name: 'tag', value: 'TAG', repeatable: true, summary: 'a tag; may be repeated' },
  { name: 'comment', value: 'TEXT', summary: 'for people' },
  {
    name: 'asset',
    value: 'GLOB',
    repeatable: true,
    summary: 'files that the script reads, relative to it; may be repeated',
  },
];

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    group: 'run',
    summary: 'run the pipeline of a file (the word run may be left out)',
    details: ['FILE#name picks one of several pipelines, by export name, then by pipeline name.'],
    arguments: [FILE],
    options: [
      PARAM,
      CONCURRENCY,
      REFRESH,
      NO_CACHE,
      ...SELECTION,
      {
        name: 'watch',
        short: 'w',
        summary: 'run again whenever a source, a file parameter or a file() input is saved',
      },
      OUTPUT,
      ...PAGE,
      ...PLACE,
      REMOTE,
    ],
    examples: [
      'run-pipeline examples/iris-decorators.ts',
      'run-pipeline train.ts#scoring --param depth=5 --refresh=load',
      'run-pipeline train.ts --json | jq .type',
      'run-pipeline train.ts --queue default',
      'run-pipeline train.ts --remote',
    ],
    load: async () => (await import('./commands/index.js')).runCommand,
  },
  {
    name: 'plan',
    group: 'before',
    summary: 'say which steps would run and why, without running them',
    arguments: [FILE],
    options: [PARAM, REFRESH, NO_CACHE, ...SELECTION],
    examples: ['run-pipeline plan train.ts --param lr=0.001'],
    load: async () => (await import('./commands/index.js')).planCommand,
  },
  {
    name: 'check',
    group: 'before',
    summary: 'verify references, inputs and packages of a file, without running it',
    arguments: [FILE],
    options: [],
    examples: ['run-pipeline check train.ts'],
    load: async () => (await import('./commands/index.js')).checkCommand,
  },
  {
    name: 'graph',
    group: 'before',
    summary: 'print the graph of a pipeline',
    arguments: [FILE],
    options: [
      {
        name: 'format',
        short: 'f',
        value: 'mermaid|dot|json|svg',
        type: ['mermaid', 'dot', 'json', 'svg'],
        summary: 'default: mermaid',
      },
      { name: 'out', short: 'o', value: 'PATH', type: 'path', summary: 'write to a file' },
    ],
    examples: ['run-pipeline graph train.ts --format svg -o graph.svg'],
    load: async () => (await import('./commands/index.js')).graphCommand,
  },
  {
    name: 'runs',
    group: 'after',
    summary: 'list runs, newest first',
    arguments: [],
    options: [
      { name: 'pipeline', value: 'NAME', summary: 'only runs of this pipeline' },
      { name: 'project', value: 'NAME', summary: 'only runs of this project' },
      {
        name: 'status',
        value: 'STATUS',
        type: ['queued', 'running', 'completed', 'failed', 'aborted', 'lost'],
        summary: 'only runs at this status',
      },
      LIMIT,
    ],
    examples: ['run-pipeline runs --pipeline iris --status failed'],
    load: async () => (await import('./commands/index.js')).runsCommand,
  },
  {
    name: 'show',
    group: 'after',
    summary: 'show a run: its steps, artifacts, errors',
    details: [RUN_HELP],
    arguments: [RUN],
    options: [],
    examples: ['run-pipeline show latest', "run-pipeline show 'iris#3' --json"],
    load: async () => (await import('./commands/index.js')).showCommand,
  },
  {
    name: 'follow',
    group: 'after',
    summary: 'show a run that goes on elsewhere until it ends; Ctrl-C leaves it alone',
    details: [RUN_HELP, 'The exit code is that of the run.'],
    arguments: [RUN],
    options: [
      { name: 'after', value: 'SEQ', type: 'count', summary: 'only events after this one (their seq)' },
      OUTPUT,
    ],
    examples: ['run-pipeline follow latest', 'run-pipeline follow latest --json --after 41'],
    load: async () => (await import('./commands/index.js')).followCommand,
  },
  {
    name: 'logs',
    group: 'after',
    summary: 'print the console output of a run, or of one step',
    details: [RUN_HELP],
    arguments: [RUN, { ...STEP, name: 'STEP', optional: true }],
    options: [
      { name: 'follow', short: 'f', summary: 'go on until the run has ended' },
      STREAM,
      { name: 'attempt', value: 'N', type: 'count', summary: 'only this attempt' },
    ],
    examples: ['run-pipeline logs latest train -f'],
    load: async () => (await import('./commands/index.js')).logsCommand,
  },
  {
    name: 'get',
    group: 'after',
    summary: 'print an artifact, or write it to a file',
    details: [RUN_HELP, 'STEP alone means STEP.result, or its only artifact.'],
    arguments: [RUN, { name: 'STEP.ARTIFACT', completes: 'text' }],
    options: [OUT],
    examples: [
      'run-pipeline get latest train.model --json',
      'run-pipeline get latest plot.figure -o figure.png',
    ],
    load: async () => (await import('./commands/index.js')).getCommand,
  },
  {
    name: 'why',
    group: 'after',
    summary: 'say why a step of a run was executed, or why not',
    details: [RUN_HELP],
    arguments: [RUN, STEP],
    options: [],
    examples: ['run-pipeline why latest train'],
    load: async () => (await import('./commands/index.js')).whyCommand,
  },
  {
    name: 'diff',
    group: 'after',
    summary: 'compare two runs: parameters, steps, what changed and why',
    details: [RUN_HELP],
    arguments: [
      { name: 'RUN', completes: 'run' },
      { name: 'RUN', completes: 'run' },
    ],
    options: [],
    examples: ["run-pipeline diff 'iris#2' latest"],
    load: async () => (await import('./commands/index.js')).diffCommand,
  },
  {
    name: 'resume',
    group: 'again',
    summary: 'continue a run that was lost, aborted or failed; completed steps are kept',
    details: [RUN_HELP],
    arguments: [RUN],
    options: [CONCURRENCY, OUTPUT, ...PAGE, ...PLACE],
    examples: ['run-pipeline resume latest'],
    load: async () => (await import('./commands/index.js')).resumeCommand,
  },
  {
    name: 'rerun',
    group: 'again',
    summary: 'run the current file of a run again, with the same parameters',
    details: [RUN_HELP],
    arguments: [RUN],
    options: [PARAM, CONCURRENCY, REFRESH, NO_CACHE, ...SELECTION, OUTPUT, ...PAGE, ...PLACE, REMOTE],
    examples: ['run-pipeline rerun latest --param lr=0.001'],
    load: async () => (await import('./commands/index.js')).rerunCommand,
  },
  {
    name: 'stop',
    group: 'again',
    summary: 'ask a running run to stop',
    details: [RUN_HELP],
    arguments: [RUN],
    options: [{ name: 'reason', value: 'TEXT', summary: 'why; recorded with the run' }],
    examples: ['run-pipeline stop latest'],
    load: async () => (await import('./commands/index.js')).stopCommand,
  },
  {
    name: 'debug',
    group: 'again',
    summary: 'execute one step of a run again, in one process under the inspector',
    details: [
      RUN_HELP,
      'The same package and inputs as in the run, also after you edited the file; nothing is stored.',
    ],
    arguments: [RUN, STEP],
    options: [
      {
        name: 'inspect',
        value: '[HOST:]PORT',
        summary: 'where the debugger attaches (default 127.0.0.1:9229; 0: any free port)',
      },
      { name: 'no-wait', summary: 'do not wait for a debugger before the first line' },
    ],
    examples: ['run-pipeline debug latest train'],
    load: async () => (await import('./commands/index.js')).debugCommand,
  },
  {
    name: 'report',
    group: 'after',
    summary: 'write a run into one HTML file that needs no server: for a pull request, an archive',
    details: [RUN_HELP, 'With --json the data of the report are printed instead.'],
    arguments: [RUN],
    options: [
      {
        name: 'out',
        short: 'o',
        value: 'PATH',
        type: 'path',
        summary: 'where to (default: PIPELINE-NUMBER.html in this directory)',
      },
    ],
    examples: ['run-pipeline report latest -o report.html'],
    load: async () => (await import('./commands/index.js')).reportCommand,
  },
  {
    name: 'ui',
    group: 'after',
    summary: 'serve the web page of this project, until Ctrl-C',
    details: [
      'It listens on this machine alone. The link that is printed holds a token: whoever has it can see and start runs.',
    ],
    arguments: [],
    options: [
      {
        name: 'port',
        value: 'N',
        type: 'count',
        summary: 'where to listen (default: 4380, or the next one that is free)',
      },
      { name: 'host', value: 'ADDRESS', summary: 'listen for other machines too; needs --token' },
      {
        name: 'token',
        value: 'TEXT',
        summary: 'what the link holds (default: RUN_PIPELINE_UI_TOKEN, else a random one for each start)',
      },
      {
        name: 'origin',
        value: 'URL',
        summary: 'a proxy serves it there for others (https://page.example.org); needs --token',
      },
      { name: 'open', summary: 'open it in the browser' },
      { name: 'read-only', summary: 'show, but start and stop nothing' },
      { name: 'background', summary: 'serve it by a process of its own, and end' },
      { name: 'stop', summary: 'end the server of this project' },
    ],
    examples: [
      'run-pipeline ui --open',
      'run-pipeline ui --background',
      'run-pipeline ui --port 8080 --read-only',
    ],
    load: async () => (await import('./commands/index.js')).uiCommand,
  },
  {
    name: 'task create',
    group: 'tasks',
    summary: 'make a draft of a script, without running it; prints its id',
    details: [ARG_HELP],
    arguments: [SCRIPT],
    options: [...SCRIPT_OPTIONS, ARG, CONFIG, ...AT_ONCE],
    examples: [
      'run-pipeline task create train.ts --project examples --name "train model"',
      'run-pipeline task create train.ts --project examples --name train --arg General/epochs=3 --queue gpu',
    ],
    load: async () => (await import('./commands/index.js')).taskCreateCommand,
  },
  {
    name: 'task run',
    group: 'tasks',
    summary: 'execute a draft, or a script as a new task, here',
    details: [
      TASK_HELP,
      'A task that has run is not executed again: clone it, and run the clone.',
      'SCRIPT needs --project and --name; the other options of task create are understood, too.',
    ],
    arguments: [{ name: 'TASK|SCRIPT', completes: 'task' }],
    options: [...SCRIPT_OPTIONS, ARG, CONFIG],
    examples: [
      'run-pipeline task run "examples/train model" --arg General/epochs=3',
      'run-pipeline task run train.ts --project examples --name train',
    ],
    load: async () => (await import('./commands/index.js')).taskRunCommand,
  },
  {
    name: 'task ls',
    group: 'tasks',
    summary: 'list tasks, newest first',
    arguments: [],
    options: [
      { name: 'project', value: 'NAME', summary: 'only tasks of this project' },
      { name: 'name', value: 'NAME', summary: 'only tasks of this name' },
      { name: 'tag', value: 'TAG', repeatable: true, summary: 'only tasks with this tag; may be repeated' },
      {
        name: 'status',
        value: 'STATUS',
        repeatable: true,
        type: ['draft', ...OWN_TASK_STATUSES],
        summary: 'only tasks at this status (draft: never started, created in JSON); may be repeated',
      },
      { ...TYPE, repeatable: true, summary: 'only tasks of this type; may be repeated' },
      { name: 'parent', value: 'ID', summary: 'only clones of this task' },
      { name: 'steps', summary: 'steps of runs that were made of tasks, too' },
      LIMIT,
    ],
    examples: ['run-pipeline task ls --project examples --status failed'],
    load: async () => (await import('./commands/index.js')).taskLsCommand,
  },
  {
    name: 'task show',
    group: 'tasks',
    summary: 'show a task: its status, parameters, artifacts, error',
    details: [TASK_HELP],
    arguments: [TASK],
    options: [],
    examples: ['run-pipeline task show "examples/train model"', 'run-pipeline task show latest --json'],
    load: async () => (await import('./commands/index.js')).taskShowCommand,
  },
  {
    name: 'task logs',
    group: 'tasks',
    summary: 'print the console output of a task',
    details: [TASK_HELP],
    arguments: [TASK],
    options: [
      { name: 'follow', short: 'f', summary: 'go on until the task has ended' },
      STREAM,
      { name: 'attempt', value: 'N', type: 'count', summary: 'this attempt (default: the latest one)' },
    ],
    examples: ['run-pipeline task logs latest -f'],
    load: async () => (await import('./commands/index.js')).taskLogsCommand,
  },
  {
    name: 'task get',
    group: 'tasks',
    summary: 'print an artifact of a task, or write it to a file',
    details: [TASK_HELP],
    arguments: [TASK, { name: 'ARTIFACT', completes: 'text' }],
    options: [OUT],
    examples: ['run-pipeline task get "examples/stage data" dataset -o iris.csv'],
    load: async () => (await import('./commands/index.js')).taskGetCommand,
  },
  {
    name: 'task clone',
    group: 'tasks',
    summary: 'make a draft of a task, with its code and parameters; prints its id',
    details: [TASK_HELP, ARG_HELP],
    arguments: [TASK],
    options: [
      { name: 'name', value: 'NAME', summary: 'default: Clone of …' },
      { name: 'project', value: 'NAME', summary: 'default: that of the task' },
      { name: 'tag', value: 'TAG', repeatable: true, summary: 'its tags instead; may be repeated' },
      { name: 'comment', value: 'TEXT', summary: 'its comment instead' },
      ARG,
      CONFIG,
      ...AT_ONCE,
    ],
    examples: ['run-pipeline task clone "examples/train model" --arg General/lr=0.001 --queue default'],
    load: async () => (await import('./commands/index.js')).taskCloneCommand,
  },
  {
    name: 'task enqueue',
    group: 'tasks',
    summary: 'put a draft, or a task that failed or was aborted, into a queue',
    details: [TASK_HELP],
    arguments: [TASK],
    options: [{ name: 'queue', value: 'Q', summary: 'default: default' }, PRIORITY, NEEDS],
    examples: ['run-pipeline task enqueue 01k9x2 --queue gpu --priority 5 --resources gpu=1'],
    load: async () => (await import('./commands/index.js')).taskEnqueueCommand,
  },
  {
    name: 'task publish',
    group: 'tasks',
    summary: 'make a draft, or a completed task, a template that does not change any more',
    details: [TASK_HELP],
    arguments: [TASK],
    options: [],
    examples: ['run-pipeline task publish "examples/train model"'],
    load: async () => (await import('./commands/index.js')).taskPublishCommand,
  },
  {
    name: 'task abort',
    group: 'tasks',
    summary: 'end a task: at once while it waits, soon while it runs',
    details: [TASK_HELP],
    arguments: [TASK],
    options: [{ name: 'reason', value: 'TEXT', summary: 'what its record says' }],
    examples: ['run-pipeline task abort latest --reason "wrong data"'],
    load: async () => (await import('./commands/index.js')).taskAbortCommand,
  },
  {
    name: 'agent',
    group: 'tasks',
    summary: 'execute tasks from queues, until it is stopped',
    details: [
      'Tasks run in the directory and with the environment of the agent. RUN_PIPELINE_HOME says which state it',
      'serves (default: the nearest .run-pipeline).',
      'Ctrl-C once: takes nothing new, finishes what runs, ends. Twice: hands back at once what runs.',
    ],
    arguments: [],
    options: [
      {
        name: 'queue',
        short: 'q',
        value: 'QUEUE…',
        words: true,
        summary: 'queues to serve, the first one first (default: default)',
      },
      { name: 'order-fairness', summary: 'serve the queues in turn, not the first one first' },
      {
        name: 'concurrency',
        short: 'c',
        value: 'N',
        type: 'count',
        summary:
          'steps and tasks at once, and beside them as many controllers (default: the number of cores)',
      },
      {
        name: 'resources',
        value: 'gpu=1,ram=16',
        type: 'resources',
        repeatable: true,
        summary: 'what it offers to steps and tasks that need some of it (default: cpu=the number of cores)',
      },
      { name: 'create-queue', summary: 'make queues that do not exist' },
      {
        name: 'drain-timeout',
        value: 'TIME',
        type: 'duration',
        summary: 'once it is stopped, hand back what has not finished after this (default: wait)',
      },
      { name: 'once', summary: 'end when nothing waits any more' },
      {
        name: 'require-signature',
        summary: 'execute only what is signed by a key of RUN_PIPELINE_TRUSTED_KEYS',
      },
    ],
    examples: [
      'run-pipeline agent',
      'run-pipeline agent --queue gpu default --concurrency 1',
      'run-pipeline agent --queue gpu --resources gpu=2,ram=64',
    ],
    load: async () => (await import('./commands/index.js')).agentCommand,
  },
  {
    name: 'agent ls',
    group: 'tasks',
    summary: 'list the agents that are alive, and what they run',
    arguments: [],
    options: [],
    examples: ['run-pipeline agent ls'],
    load: async () => (await import('./commands/index.js')).agentLsCommand,
  },
  {
    name: 'queue ls',
    group: 'tasks',
    summary: 'list queues: what waits, what runs, who serves them',
    arguments: [],
    options: [],
    examples: ['run-pipeline queue ls'],
    load: async () => (await import('./commands/index.js')).queueLsCommand,
  },
  {
    name: 'queue show',
    group: 'tasks',
    summary: 'show what waits in a queue, in the order in which it will be taken',
    arguments: [QUEUE],
    options: [],
    examples: ['run-pipeline queue show default'],
    load: async () => (await import('./commands/index.js')).queueShowCommand,
  },
  {
    name: 'queue create',
    group: 'tasks',
    summary: 'make a queue; one that exists is left as it is',
    arguments: [{ name: 'QUEUE', completes: 'text' }],
    options: [],
    examples: ['run-pipeline queue create gpu'],
    load: async () => (await import('./commands/index.js')).queueCreateCommand,
  },
  {
    name: 'queue limit',
    group: 'tasks',
    summary: 'limit how many tasks of a queue run at once, and how many are begun in a time',
    details: [
      'The limits hold over all agents. What is not given stays as it is; without options it tells what holds.',
      'A limit of 0 pauses the queue: what runs goes on, nothing new is begun.',
    ],
    arguments: [QUEUE],
    options: [
      { name: 'concurrency', short: 'c', value: 'N|none', summary: 'at most so many at once; 0: paused' },
      {
        name: 'rate',
        value: 'N/TIME|none',
        summary: 'at most so many begun in any stretch of that time: 10/s, 100/m, 50/10m',
      },
    ],
    examples: [
      'run-pipeline queue limit gpu --concurrency 2',
      'run-pipeline queue limit api --rate 100/m',
      'run-pipeline queue limit api --concurrency none --rate none',
    ],
    load: async () => (await import('./commands/index.js')).queueLimitCommand,
  },
  {
    name: 'queue clear',
    group: 'tasks',
    summary: 'take everything that waits out of a queue',
    details: ['Tasks become drafts again; steps of a run that goes on are executed by the run itself.'],
    arguments: [QUEUE],
    options: [],
    examples: ['run-pipeline queue clear default'],
    load: async () => (await import('./commands/index.js')).queueClearCommand,
  },
  {
    name: 'gc',
    group: 'house',
    summary: 'free what nothing references: old runs, cache entries, artifacts, leftovers',
    arguments: [],
    options: [
      {
        name: 'keep-runs',
        value: 'N',
        type: 'count',
        summary: 'of each pipeline keep at least the N newest runs',
      },
      {
        name: 'max-age',
        value: 'TIME',
        type: 'duration',
        summary: 'drop runs and cached results older than this (30d)',
      },
      {
        name: 'max-size',
        value: 'SIZE',
        type: 'bytes',
        summary: 'drop the oldest until the artifacts fit (5GB)',
      },
      {
        name: 'grace',
        value: 'TIME',
        type: 'duration',
        summary:
          'leave unreferenced files younger than this alone: a run may be about to use them (default 1h)',
      },
      { name: 'dry-run', summary: 'only say what would be freed' },
    ],
    examples: ['run-pipeline gc --keep-runs 20 --max-age 30d --dry-run'],
    load: async () => (await import('./commands/index.js')).gcCommand,
  },
  {
    name: 'doctor',
    group: 'house',
    summary: 'check this machine and the store',
    arguments: [],
    options: [],
    examples: ['run-pipeline doctor'],
    load: async () => (await import('./commands/index.js')).doctorCommand,
  },
  {
    name: 'keys new',
    group: 'house',
    summary: 'make a pair of keys: for signing packages, and for agents that run signed code alone',
    details: ['The private key goes to the file and nowhere else; the public one is printed.'],
    arguments: [],
    options: [
      {
        name: 'out',
        short: 'o',
        value: 'PATH',
        type: 'path',
        summary: 'of the private key (default: run-pipeline-signing.pem)',
      },
    ],
    examples: ['run-pipeline keys new --out ~/keys/signing.pem'],
    load: async () => (await import('./commands/index.js')).keysNewCommand,
  },
  {
    name: 'keys show',
    group: 'house',
    summary: 'print the public key of RUN_PIPELINE_SIGNING_KEY',
    arguments: [],
    options: [],
    examples: ['run-pipeline keys show'],
    load: async () => (await import('./commands/index.js')).keysShowCommand,
  },
  {
    name: 'init',
    group: 'house',
    summary: 'write a small working pipeline to start from',
    arguments: [{ name: 'FILE', optional: true, completes: 'file' }],
    options: [
      {
        name: 'style',
        value: 'class|controller|function',
        type: ['class', 'controller', 'function'],
        summary: 'which of the three writings (default: class)',
      },
    ],
    examples: ['run-pipeline init', 'run-pipeline init jobs/train.ts --style function'],
    load: async () => (await import('./commands/index.js')).initCommand,
  },
  {
    name: 'completion',
    group: 'house',
    summary: 'print the completion script of a shell',
    details: [
      'bash: source <(run-pipeline completion bash)',
      'zsh:  source <(run-pipeline completion zsh)',
      'fish: run-pipeline completion fish | source',
    ],
    arguments: [{ name: 'SHELL', completes: ['bash', 'zsh', 'fish'] }],
    options: [],
    examples: ['run-pipeline completion bash > ~/.local/share/bash-completion/completions/run-pipeline'],
    load: async () => (await import('./commands/index.js')).completionCommand,
  },
];

export const RUN_SPEC = COMMANDS[0]!;

/** The command of one word or two; two words that are a command win over the first one alone. */
export const findCommand = (first: string, second?: string): CommandSpec | undefined =>
  COMMANDS.find((command) => second !== undefined && command.name === `${first} ${second}`) ??
  COMMANDS.find((command) => command.name === first);

/** The commands of two words that begin with this one. */
export const familyOf = (first: string): readonly CommandSpec[] =>
  COMMANDS.filter((command) => command.name.startsWith(`${first} `));
