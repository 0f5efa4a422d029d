import { arrange, type Arrangement } from './arrange.js';

export interface LayoutRequest {
  readonly id: number;
  readonly count: number;
  readonly edges: readonly (readonly [number, number])[];
}
export interface LayoutReply {
  readonly id: number;
  readonly arrangement: Arrangement;
}

addEventListener('message', ({ data }: MessageEvent<LayoutRequest>) => {
  const arrangement = arrange(data.count, data.edges);
  postMessage({ id: data.id, arrangement } satisfies LayoutReply);
});
