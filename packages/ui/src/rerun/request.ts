import type { RerunRequest, RunForm } from '@run-pipeline/core/wire';

/** What the address asks for. Parameters that are as in the run before are left out. */
export function requestOf(address: URLSearchParams, form: Pick<RunForm, 'parameters'>): RerunRequest {
  const parameters: [string, string][] = [];
  for (const { name, value } of form.parameters) {
    const asked = address.get(`p.${name}`);
    if (asked !== null && asked !== value) parameters.push([name, asked]);
  }
  const selection = {
    ...given('from', address.get('from')),
    ...given('to', address.get('to')),
    ...given('only', address.get('only')),
  };
  const refresh = address.get('refresh');
  return {
    parameters: Object.fromEntries(parameters),
    ...(Object.keys(selection).length === 0 ? {} : { selection }),
    ...(refresh === null ? {} : { refresh: refresh === 'all' ? ('all' as const) : refresh.split(',') }),
    ...(address.get('cache') === 'off' ? { cache: false } : {}),
    ...given('queue', address.get('queue')),
    ...given('remote', address.get('remote')),
  };
}

const given = <Name extends string>(name: Name, value: string | null): { readonly [Key in Name]?: string } =>
  (value === null || value === '' ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
