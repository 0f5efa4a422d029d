/** What `init` writes: the same small pipeline in the three writings. Each runs as it is (tests do that). */
export type StarterStyle = 'class' | 'controller' | 'function';

const HEAD = `// Run it:         npx run-pipeline pipeline.ts
// Run it again:    nothing is executed, every step is cached
// Edit a step:     npx run-pipeline plan pipeline.ts says what would run, and why
`;

const CLASS = `${HEAD}import { Parameter, Pipeline, Step } from 'run-pipeline';

interface Reading {
  city: string;
  celsius: number;
}

@Pipeline({ name: 'weather', project: 'examples', cache: true })
export class WeatherPipeline {
  @Parameter({ description: 'readings below this are dropped' })
  coldest = -50;

  @Step({ returns: ['readings'] })
  load(): Reading[] {
    return [
      { city: 'Oslo', celsius: -4 },
      { city: 'Rome', celsius: 14 },
      { city: 'Oslo', celsius: -999 },
      { city: 'Rome', celsius: 18 },
    ];
  }

  @Step({ inputs: ['$<load.readings>'], returns: ['clean'] })
  clean(readings: Reading[]): Reading[] {
    const kept = readings.filter((reading) => reading.celsius >= this.coldest);
    console.log(\`kept \${kept.length} of \${readings.length} readings\`);
    return kept;
  }

  @Step({ inputs: ['$<clean.clean>'], returns: ['averages'] })
  summarise(readings: Reading[]): Record<string, number> {
    const averages: Record<string, number> = {};
    for (const { city } of readings) {
      const values = readings.filter((reading) => reading.city === city).map((reading) => reading.celsius);
      averages[city] = values.reduce((sum, value) => sum + value, 0) / values.length;
    }
    return averages;
  }
}
`;

const FUNCTIONS = `interface Reading {
  city: string;
  celsius: number;
}

function load(): Reading[] {
  return [
    { city: 'Oslo', celsius: -4 },
    { city: 'Rome', celsius: 14 },
    { city: 'Oslo', celsius: -999 },
    { city: 'Rome', celsius: 18 },
  ];
}

function clean(readings: Reading[], coldest: number): Reading[] {
  const kept = readings.filter((reading) => reading.celsius >= coldest);
  console.log(\`kept \${kept.length} of \${readings.length} readings\`);
  return kept;
}

function summarise(readings: Reading[]): Record<string, number> {
  const averages: Record<string, number> = {};
  for (const { city } of readings) {
    const values = readings.filter((reading) => reading.city === city).map((reading) => reading.celsius);
    averages[city] = values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  return averages;
}
`;

const CONTROLLER = `${HEAD}import { PipelineController } from 'run-pipeline';

${FUNCTIONS}
export const weather = new PipelineController({ name: 'weather', project: 'examples' });

weather.addParameter({ name: 'coldest', description: 'readings below this are dropped', default: -50 });
weather.addFunctionStep({ name: 'load', function: load, functionReturn: ['readings'], cacheExecutedStep: true });
weather.addFunctionStep({
  name: 'clean',
  function: clean,
  functionKwargs: { readings: '$<load.readings>', coldest: '$<pipeline.coldest>' },
  functionReturn: ['clean'],
  cacheExecutedStep: true,
});
weather.addFunctionStep({
  name: 'summarise',
  function: summarise,
  functionKwargs: { readings: '$<clean.clean>' },
  functionReturn: ['averages'],
  cacheExecutedStep: true,
});
`;

const FUNCTION = `${HEAD}import { pipeline, step } from 'run-pipeline';

${FUNCTIONS}
const loadStep = step({ name: 'load', cache: true }, load);
const cleanStep = step({ name: 'clean', cache: true }, clean);
const summariseStep = step({ name: 'summarise', returns: ['averages'], cache: true }, summarise);

export const weather = pipeline(
  { name: 'weather', project: 'examples', parameters: { coldest: -50 } },
  ({ coldest }) => summariseStep(cleanStep(loadStep(), coldest)),
);
`;

export const STARTERS: Readonly<Record<StarterStyle, string>> = {
  class: CLASS,
  controller: CONTROLLER,
  function: FUNCTION,
};
