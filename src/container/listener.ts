/** Hands the fd that answers a filter's `SCMP_ACT_NOTIFY` to whoever listens: config-linux.md, "The Container Process State". */
import { closeSync } from 'node:fs';
import { TareError } from '../errors.ts';
import type { Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';
import { sendFile } from './send-file.ts';

export interface Filtered {
  readonly id: string;
  readonly spec: Spec;
  readonly pid: number;
  /** Where the bundle lies, if it is one. */
  readonly bundle: string;
}

export function sendSeccompListener(engine: Engine, { id, spec, pid, bundle }: Filtered, fd: number): void {
  const { listenerPath, listenerMetadata } = spec.linux?.seccomp ?? {};
  try {
    if (listenerPath === undefined)
      throw new TareError('use a seccomp profile with SCMP_ACT_NOTIFY', {
        hint: 'it needs listenerPath, a socket to send the listener to',
      });
    const state = {
      ociVersion: spec.ociVersion,
      id,
      status: 'creating',
      pid,
      bundle,
      annotations: spec.annotations ?? {},
    };
    const message = JSON.stringify({
      ociVersion: spec.ociVersion,
      fds: ['seccompFd'],
      pid,
      metadata: listenerMetadata ?? '',
      state,
    });
    try {
      sendFile(engine, 'seccomp listener', listenerPath, message, fd);
    } catch (cause) {
      // runc's words, which engines and their tests look for.
      throw new TareError(`failed to connect with seccomp agent: ${(cause as Error).message}`, { cause });
    }
  } finally {
    closeSync(fd);
  }
}
