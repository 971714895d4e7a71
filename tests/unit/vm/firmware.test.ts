import { expect, test } from 'vitest';
import { emptyMachine } from '../../../src/vm/empty.ts';
import { emptyFirmware, emptyProgram, firstInstruction } from '../../../src/vm/firmware.ts';

test('the program of the empty machine, byte for byte', () => {
  let at = 0;
  const listing = emptyProgram.map(({ bytes, text, why }) => {
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const line = `${at.toString(16).padStart(4, '0')}  ${hex.padEnd(18)} ${text.padEnd(20)} ${why}`;
    at += bytes.length;
    return line;
  });
  expect(listing.join('\n')).toMatchInlineSnapshot(`
    "0000  66 b8 00 00 00 40  mov eax, 0x40000000  the leaf in which hypervisors name themselves
    0006  0f a2              cpuid                the hypervisor must answer in the place of the processor
    0008  66 89 d8           mov eax, ebx         four characters of its name
    000b  e6 e9              out 0xe9, al         say one
    000d  66 c1 e8 08        shr eax, 8           the next
    0011  e6 e9              out 0xe9, al         say one
    0013  66 c1 e8 08        shr eax, 8           the next
    0017  e6 e9              out 0xe9, al         say one
    0019  66 c1 e8 08        shr eax, 8           the next
    001d  e6 e9              out 0xe9, al         say one
    001f  66 c1 e8 08        shr eax, 8           the next
    0023  66 89 c8           mov eax, ecx         four characters of its name
    0026  e6 e9              out 0xe9, al         say one
    0028  66 c1 e8 08        shr eax, 8           the next
    002c  e6 e9              out 0xe9, al         say one
    002e  66 c1 e8 08        shr eax, 8           the next
    0032  e6 e9              out 0xe9, al         say one
    0034  66 c1 e8 08        shr eax, 8           the next
    0038  e6 e9              out 0xe9, al         say one
    003a  66 c1 e8 08        shr eax, 8           the next
    003e  66 89 d0           mov eax, edx         four characters of its name
    0041  e6 e9              out 0xe9, al         say one
    0043  66 c1 e8 08        shr eax, 8           the next
    0047  e6 e9              out 0xe9, al         say one
    0049  66 c1 e8 08        shr eax, 8           the next
    004d  e6 e9              out 0xe9, al         say one
    004f  66 c1 e8 08        shr eax, 8           the next
    0053  e6 e9              out 0xe9, al         say one
    0055  66 c1 e8 08        shr eax, 8           the next
    0059  b0 2a              mov al, 42           a value by which our end is told from others
    005b  e6 f4              out 0xf4, al         end the machine
    005d  f4                 hlt                  were there no such port
    005e  eb fd              jmp $-1              an interrupt would go on from here"
  `);
});

test('the processor finds a jump to it sixteen bytes before the end', () => {
  const image = emptyFirmware();
  expect(image.length).toBe(64 * 1024);
  const next = image.length - 16 + firstInstruction.bytes.length;
  expect(image[image.length - 16]).toBe(0xe9);
  expect((next + image.readUInt16LE(image.length - 15)) % image.length).toBe(0);
});

test('each option of the empty machine has a reason', () => {
  const lines = emptyMachine('tcg', 'empty.bin').map(({ words, why }) => `${words.join(' ')}\n    ${why}`);
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "-name empty,process=tare-vm
        be found in lists of processes
    -machine microvm,acpi=off,pcie=off,usb=off,rtc=off,pic=off,pit=off,isa-serial=off
        the least board that there is
    -accel tcg
        what is to be measured
    -m 1M
        the program uses no memory, and QEMU wants some
    -bios empty.bin
        all the software there is
    -nodefaults
        only what is on this list
    -no-user-config
        no configuration of the host has a say
    -display none
        no window
    -chardev stdio,id=console,signal=off
        what the machine says goes to our pipe
    -device isa-debugcon,iobase=0xe9,chardev=console
        a port to say it by
    -device isa-debug-exit,iobase=0xf4,iosize=1
        a port to end by"
  `);
});
