import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import type { ProjectCall, ProjectRelay } from '../project/relay.js';
import type { PortableFailure, ServiceAnswer } from './protocol.js';

/** What a task asked of the project, as it travels back; never rejects. */
export async function answerCall(
  service: ProjectRelay | undefined,
  call: ProjectCall,
): Promise<ServiceAnswer> {
  try {
    if (service === undefined) throw new Error('nobody answers questions about the project here');
    return { ok: true, value: await service.call(call) };
  } catch (error) {
    return { ok: false, error: portable(error) };
  }
}

function portable(error: unknown): PortableFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  if (!isRunPipelineError(error)) return { name, message };
  const { kind, code, help } = error;
  return { name, message, kind, code, ...(help === undefined ? {} : { help }) };
}

/** The other way: the value, or the error thrown as it was there. */
export function valueOf(answer: ServiceAnswer): unknown {
  if (answer.ok) return answer.value;
  const { name, message, kind, code, help } = answer.error;
  if (kind !== undefined && code !== undefined) throw new RunPipelineError({ kind, code, message, help });
  throw Object.assign(new Error(message), { name });
}
