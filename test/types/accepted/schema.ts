import { Parameter, PipelineController, parameter, pipeline, run } from 'run-pipeline';
import { z } from 'zod';

export class Checked {
  @Parameter({ schema: z.number().int().min(1) }) depth = 3;
  @Parameter({ schema: z.array(z.string()), description: 'names' }) names = ['a'];
}

export const checked = pipeline(
  {
    name: 'checked',
    parameters: {
      depth: parameter({ schema: z.coerce.number(), default: '3' }),
      user: parameter({ schema: z.object({ name: z.string(), born: z.date() }) }),
    },
  },
  async ({ depth, user }) => {
    const year: number = user.born.getFullYear() + depth;
    return [user.name, year];
  },
);
void run(checked, { parameters: { depth: 4 } });

new PipelineController({ name: 'checked' }).addParameter({ name: 'depth', schema: z.number(), default: 3 });
