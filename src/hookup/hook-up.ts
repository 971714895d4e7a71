/** What an engine's configuration has to say so that it finds tare-oci. Pure: texts in, texts out. */
export const engineNames = ['podman', 'docker', 'containerd', 'cri-o', 'kubernetes', 'swarm'] as const;
export type EngineName = (typeof engineNames)[number];

export interface Wish {
  /** Absolute path of tare-oci. */
  readonly runtime: string;
  /** It is used where a container does not say which. */
  readonly isDefault: boolean;
  /** The engine leaves cgroups to systemd; `undefined`: as it has it for runc. */
  readonly systemdCgroup?: boolean;
}

/** The name by which engines know it. */
export const runtimeName = 'tare';

export interface HookUp {
  /** Absolute: the file to be edited. Where there is none, the text is for the user to pass on. */
  readonly file?: string;
  /**
   * @param before what the file holds now; `undefined` where there is none
   * @throws TareError where that cannot be read, or says something else already
   */
  add(before: string | undefined, wish: Wish): string;
  /** @returns what stays; `undefined` where nothing would be left in the file */
  remove(before: string): string | undefined;
  /** What makes the engine read it again. */
  readonly reload?: string;
  /** How it is then used, a line each. */
  readonly use: readonly string[];
}
