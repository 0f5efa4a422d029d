import { createHash } from 'node:crypto';

/** What native code is built for: the same packages are other files on another one. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
  /** Node's ABI, `process.versions.modules`. */
  readonly abi: string;
  /** `glibc`, `musl`, or nothing where there is no choice. */
  readonly libc: string;
}

export function thisPlatform(): Platform {
  const { platform, arch, versions } = process;
  return { platform, arch, abi: versions.modules, libc: platform === 'linux' ? linuxLibc() : '' };
}

function linuxLibc(): string {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const before = report.excludeNetwork;
  // Else it looks up the names of all open connections.
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  } finally {
    report.excludeNetwork = before;
  }
}

/** Bumped when environments are made otherwise: the old ones are then not used. */
const FORMAT = 'environment-1';

/** Names an environment: by what is installed, whose install scripts ran, and for which platform. */
export function environmentKey(options: {
  readonly lock: string;
  readonly scripts: readonly string[];
  readonly platform: Platform;
}): string {
  const { platform, arch, abi, libc } = options.platform;
  const parts = [FORMAT, platform, arch, abi, libc, options.scripts.join(','), options.lock];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('hex').slice(0, 40);
}
