import { Task, TaskArtifact } from 'run-pipeline';

export async function script(): Promise<void> {
  // @ts-expect-error says: 'name' is missing
  await Task.init({ project: 'examples' });
  // @ts-expect-error says: '"trainig"' is not assignable
  await Task.init({ project: 'examples', name: 'x', type: 'trainig' });
  // @ts-expect-error says: 'tag' does not exist
  await Task.init({ project: 'examples', name: 'x', tag: ['a'] });
  // @ts-expect-error says: '"x"' is not assignable to parameter of type 'never'
  void new Task('x');
  // @ts-expect-error says: '"x"' is not assignable to parameter of type 'never'
  void new TaskArtifact('x');

  const task = await Task.init({ project: 'examples', name: 'x' });
  // @ts-expect-error says: 'number' is not assignable to parameter of type 'object'
  task.connect(3);
  // @ts-expect-error says: 'lr' does not exist
  void task.connect({ rows: 1 }).lr;
  // @ts-expect-error says: 'string' is not assignable to parameter of type 'number'
  await task.setProgress('50');
  // @ts-expect-error says: 'status' because it is a read-only property
  task.status = 'completed';
  // @ts-expect-error says: 'iteration' is missing
  task.logger.reportScalar({ title: 'loss', series: 'train', value: 1 });
  // @ts-expect-error says: '"ended"' is not assignable
  await task.waitForStatus('ended');
}

export async function reader(): Promise<void> {
  const task = await Task.get<{ rows: number[] }>({ project: 'examples', name: 'x' });
  // @ts-expect-error says: Property 'row' does not exist
  await task.artifacts.row.get();
  // @ts-expect-error says: 'number[]' is not assignable to type 'string[]'
  const rows: string[] = await task.artifacts.rows.get();
  // @ts-expect-error says: 'name' is missing
  await Task.get({ project: 'examples' });
  // @ts-expect-error says: 'source' is missing
  await Task.clone({ name: 'x' });
  // @ts-expect-error says: 'queues' does not exist
  await Task.enqueue(task, { queues: 'x' });
  const any = await Task.get('id');
  // @ts-expect-error says: Object is possibly 'undefined'
  await any.artifacts['rows'].get();
  void rows;
}
