import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Qmp, type QmpEvent } from '../../../src/vm/qmp.ts';

/** Both ends of a socket: what the client writes is `said`, what QEMU would say is pushed. */
class Line extends Duplex {
  said = '';

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.said += chunk.toString();
    done();
  }
}

const greeting =
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}\r\n';
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function greeted(): Promise<{ line: Line; qmp: Qmp }> {
  const line = new Line();
  const qmp = new Qmp(line);
  line.push(greeting);
  await settled();
  line.push('{"return": {}, "id": 1}\r\n');
  await qmp.ready;
  line.said = '';
  return { line, qmp };
}

describe('a QMP client', () => {
  test('waits for the greeting before it asks for anything', async () => {
    const line = new Line();
    const qmp = new Qmp(line);
    await settled();
    expect(line.said).toBe('');
    line.push(greeting);
    await settled();
    expect(line.said).toBe('{"execute":"qmp_capabilities","id":1}\n');
    line.push('{"return": {}, "id": 1}\r\n');
    await qmp.ready;
  });

  test('gives each answer to who has asked, in whatever order they come', async () => {
    const { line, qmp } = await greeted();
    const status = qmp.execute('query-status');
    const kvm = qmp.execute('query-kvm');
    line.push('{"return": {"enabled": true, "present": true}, "id": 3}\r\n{"return": {"status": "running", "runn');
    await expect(kvm).resolves.toEqual({ enabled: true, present: true });
    line.push('ing": true}, "id": 2}\r\n');
    await expect(status).resolves.toEqual({ status: 'running', running: true });
  });

  test('passes arguments on', async () => {
    const { line, qmp } = await greeted();
    const asked = qmp.execute('balloon', { value: 64 });
    expect(line.said).toBe('{"execute":"balloon","id":2,"arguments":{"value":64}}\n');
    line.push('{"return": {}, "id": 2}\n');
    await asked;
  });

  test('fails with the words of QEMU', async () => {
    const { line, qmp } = await greeted();
    const asked = qmp.execute('cont');
    line.push('{"id": 2, "error": {"class": "GenericError", "desc": "Resetting the Virtual Machine is required"}}\n');
    await expect(asked).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TareError: ask QEMU to cont (hint: Resetting the Virtual Machine is required)]`,
    );
  });

  test('tells of events, until nobody listens any more', async () => {
    const { line, qmp } = await greeted();
    const heard: QmpEvent[] = [];
    const forget = qmp.listen((event) => heard.push(event));
    line.push(
      '{"timestamp": {"seconds": 2, "microseconds": 5}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}\n',
    );
    await settled();
    forget();
    line.push('{"timestamp": {"seconds": 3, "microseconds": 5}, "event": "STOP"}\n');
    await settled();
    expect(heard).toEqual([{ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-reset' }, at: 2_000_005 }]);
  });

  test('tells whoever waits that QEMU is gone, and whoever asks later too', async () => {
    const { line, qmp } = await greeted();
    const asked = qmp.execute('query-status');
    line.destroy();
    await expect(asked).rejects.toThrowErrorMatchingInlineSnapshot(`[TareError: speak with QEMU (hint: it is gone)]`);
    await expect(qmp.execute('cont')).rejects.toThrow('speak with QEMU');
  });

  test('says why, where somebody knows', async () => {
    const { qmp } = await greeted();
    const asked = qmp.execute('query-status');
    qmp.close(new Error('killed'));
    qmp.close(new Error('later'));
    await expect(asked).rejects.toThrow('killed');
  });

  test.each(['nonsense\n', '[]\n', '{"id": "x"}\n'])('gives up on what is no QMP: %j', async (said) => {
    const { line, qmp } = await greeted();
    const asked = qmp.execute('query-status');
    line.push(said);
    await expect(asked).rejects.toThrow('EPROTO');
  });

  test('takes characters that arrive in parts', async () => {
    const { line, qmp } = await greeted();
    const asked = qmp.execute('query-status');
    const bytes = Buffer.from('{"return": {"status": "größer", "running": true}, "id": 2}\n');
    const at = bytes.indexOf('ö') + 1;
    line.push(bytes.subarray(0, at));
    await settled();
    line.push(bytes.subarray(at));
    await expect(asked).resolves.toMatchObject({ status: 'größer' });
  });
});
