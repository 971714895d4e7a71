/** A promise, and how it is settled. Whoever waits for its failure is told; nobody has to. */
export class Awaited<Value> {
  settle: (value: Value) => void = () => {};
  fail: (error: Error) => void = () => {};
  readonly promise: Promise<Value>;

  constructor() {
    this.promise = new Promise<Value>((resolve, reject) => {
      this.settle = resolve;
      this.fail = reject;
    });
    this.promise.catch(() => {});
  }
}
