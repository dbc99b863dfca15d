// What happens between a new set of namespaces and the container's own command: a root of its own, made of an overlay
// over the image's folder (or the machine's own root), so that nothing it writes reaches the machine.
// Everything is mounted in the room's mount namespace alone and goes with it: there is nothing to clean up.
import { lstatSync, readlinkSync } from 'node:fs';
import { join, normalize } from 'node:path';

/**
 * Arguments: base (an empty folder to mount on), lower root, host name, working directory, then lines of
 * `copy|bind|bind-ro SOURCE TARGET` (target inside the root) up to `--`, then what env(1) takes.
 * Descriptor 3 hears `ready` right before the command begins.
 */
export const roomScript = `
set -e
base=$1 lower=$2 name=$3 dir=$4
shift 4
mount -t tmpfs -o mode=755 fairlead "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay fairlead -o "lowerdir=$lower,upperdir=$base/upper,workdir=$base/work" "$base/root"
cd "$base/root"
mkdir -p dev proc sys tmp run etc
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys 2>/dev/null || mount --rbind /sys sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
while [ "$1" != -- ]; do
  how=$1 from=$2 to=./$3
  shift 3
  if [ "$how" = copy ]; then rm -f "$to"; cp "$from" "$to"; continue; fi
  if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "\${to%/*}"; [ -e "$to" ] || : > "$to"; fi
  mount --rbind "$from" "$to"
  if [ "$how" = bind-ro ]; then mount -o remount,bind,ro "$to"; fi
done
shift
if [ -n "$name" ]; then printf %s "$name" > /proc/sys/kernel/hostname; fi
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
cd "$dir" 2>/dev/null || { mkdir -p "$dir"; cd "$dir"; }
echo ready >&3
exec 3>&-
exec env -i "$@"
`;

/** Where a path leads inside a root: links are followed as a process in the root would, never out of it. */
export function pathInRoot(root: string, path: string): string {
  let resolved = '/';
  const rest = normalize(`/${path}`).split('/').filter(Boolean);
  for (let links = 0; rest.length > 0; ) {
    const next = join(resolved, rest.shift()!);
    const target = links < 40 ? linkTarget(join(root, next)) : undefined;
    if (target === undefined) resolved = next;
    else {
      links++;
      rest.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) resolved = '/';
    }
  }
  return resolved;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    // Not there yet: the script makes it.
    return undefined;
  }
}
