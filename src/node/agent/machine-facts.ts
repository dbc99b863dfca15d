// What this machine is, as the Node object tells it.
import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import type { MachineFacts } from './node-object.ts';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not every system has the file (containers, minimal images); the field is informative only.
    return '';
  }
}

const goNames: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386' };

export function readMachineFacts(): MachineFacts {
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readText('/etc/os-release'));
  return {
    cpus: cpus().length,
    memoryKiB: Math.floor(totalmem() / 1024),
    kernelVersion: release(),
    osImage: pretty?.[1] ?? 'Linux',
    architecture: goNames[arch() as NodeJS.Architecture] ?? arch(),
    bootId: readText('/proc/sys/kernel/random/boot_id'),
    machineId: readText('/etc/machine-id'),
  };
}
