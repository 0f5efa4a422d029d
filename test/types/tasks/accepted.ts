import { Task, TaskFailed, type TaskArtifacts, type TaskStatus } from 'run-pipeline';

interface Row {
  a: number;
}

export async function script(): Promise<void> {
  const task = await Task.init({
    project: 'examples',
    name: 'train',
    type: 'data_processing',
    tags: ['iris'],
    comment: '',
    assets: ['./labels.json'],
    source: import.meta.url,
  });

  // connect gives the object back, as what it was.
  const args = { url: '', rows: 3, when: new Date(0), layers: [1, 2], none: null as string | null };
  const same: typeof args = task.connect(args);
  const rows: number = task.connect({ rows: same.rows }, 'Model').rows;
  class Settings {
    depth = rows;
  }
  const settings: Settings = task.connect(new Settings());
  const network: { layers: number[] } = task.connectConfiguration({ layers: [64] }, { name: 'network' });
  const path: string = task.connectConfiguration('labels.txt');

  task.logger.reportScalar({ title: 'loss', series: 'train', value: 1, iteration: 0 });
  await task.uploadArtifact('rows', [{ a: settings.depth }]);
  await task.setProgress(50);
  await task.addTags('a', path);
  await task.setTags([]);
  await task.executeRemotely();
  await task.executeRemotely('gpu', { priority: 1, resources: { gpu: 1 } });
  const curves = await task.getReportedScalars();
  const last: number | undefined = curves['loss']?.['train']?.y.at(-1);
  void [network, last];
}

// What the artifacts are is said where the task is found.
export async function reader(): Promise<readonly Row[]> {
  const task = await Task.get<{ rows: Row[]; model: { accuracy: number } }>({
    project: 'examples',
    name: 'train',
  });
  const rows: Row[] = await task.artifacts.rows.get();
  const { accuracy }: { accuracy: number } = await task.artifacts.model.get();
  const copy: string = await task.artifacts.rows.getLocalCopy();
  const facts: [string, number, string | undefined] = [
    task.artifacts.rows.url,
    task.artifacts.rows.size,
    task.artifacts.rows.preview,
  ];
  void [accuracy, copy, facts];
  return rows;
}

// Where nothing is said, an artifact may be missing, and its value is unknown.
export async function anyReader(id: string): Promise<unknown> {
  const task = await Task.get(id);
  const artifacts: TaskArtifacts<Record<string, unknown>> = task.artifacts;
  return artifacts['rows']?.get();
}

export async function manager(): Promise<TaskStatus> {
  const [newest] = await Task.query({ project: 'examples', status: ['failed', 'aborted'], type: 'training' });
  const draft = await Task.create({
    project: 'examples',
    name: 'template',
    script: 'train.ts',
    parameters: { 'General/rows': 3 },
  });
  const clone = await Task.clone({ source: newest ?? draft, parameters: { lr: 0.1 } });
  const byId = await Task.clone({ source: draft.id, name: 'other' });
  await Task.enqueue(byId.id, 'gpu');
  await Task.enqueue(clone, { queue: 'default', priority: 3 });
  await clone.clone({ tags: [] });
  try {
    return await clone.waitForStatus(['completed'], { timeout: '10m', raiseOn: ['failed', 'aborted'] });
  } catch (error) {
    if (error instanceof TaskFailed) return error.status;
    throw error;
  }
}
