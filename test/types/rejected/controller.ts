import { PipelineController } from 'run-pipeline';

interface Row {
  a: number;
}
const stepOne = (pickleDataUrl: string): Row[] => [{ a: pickleDataUrl.length }];
const pair = (): { left: number; right: string } => ({ left: 1, right: 'a' });

const chain = new PipelineController({ name: 'chain' })
  .addParameter({ name: 'url', default: 'x' })
  .addFunctionStep({
    name: 'step_one',
    function: stepOne,
    functionKwargs: { pickleDataUrl: '$<pipeline.url>' },
    functionReturn: ['data_frame'],
  })
  .addFunctionStep({ name: 'pair', function: pair, functionReturn: ['left', 'right'] });

chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: the step `step_one` returns no `data_fame`
  functionKwargs: { pickleDataUrl: '$<step_one.data_fame>' },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: there is no step `step_won` in this chain
  functionKwargs: { pickleDataUrl: '$<step_won.data_frame>' },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: there is no parameter `ulr` in this chain
  functionKwargs: { pickleDataUrl: 'at $<pipeline.ulr>' },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: there is nothing at `pair.right.a`
  functionKwargs: { pickleDataUrl: '$<pair.right.a>' },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: there is no step `no` in this chain
  functionKwargs: { pickleDataUrl: [{ a: '$<no.x>' }] },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: an artifact has no `urll`
  functionKwargs: { pickleDataUrl: '$<pair.artifacts.left.urll>' },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: the step `pair` returns no `up`
  functionKwargs: { pickleDataUrl: '$<pair.artifacts.up.url>' },
});
chain.addFunctionStep({
  name: 'x',
  function: stepOne,
  // @ts-expect-error says: pickleDataUrl: `pair` is neither STEP.RETURN nor pipeline.PARAMETER
  functionKwargs: { pickleDataUrl: '$<pair>' },
});
// @ts-expect-error says: the function takes no parameters
chain.addFunctionStep({ name: 'x', function: pair, functionKwargs: { a: 1 } });
// @ts-expect-error says: the step does not return `up`
chain.addFunctionStep({ name: 'x', function: pair, functionReturn: ['left', 'up'] });

const pipe = new PipelineController({ name: 'statements' });
// @ts-expect-error says: the step does not return `up`
pipe.addFunctionStep({ name: 'x', function: pair, functionReturn: ['left', 'up'] });
// @ts-expect-error no such option
pipe.addFunctionStep({ name: 'x', function: pair, cache: true });
// @ts-expect-error seconds
pipe.addFunctionStep({ name: 'x', function: pair, timeLimit: '10m' });
// @ts-expect-error no name
void new PipelineController({ project: 'examples' });
