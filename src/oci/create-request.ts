/** What `create` is asked for. */
export interface CreateRequest {
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  /** How many fds beyond 2 the payload inherits. */
  readonly preserveFds: number;
  /** How many of them a service manager has handed to the runtime, for the container. */
  readonly listenFds: number;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** Takes the terminal, where no console socket does. */
  readonly onTerminal?: (fd: number) => void;
}
