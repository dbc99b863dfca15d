// The last watch events as bytes, so that a thousand watchers of one change cost one encoding. Remembered by the object's
// identity and bounded by number: of two generations the older is forgotten when the younger is full.
import type { KubeObject } from '../../../kube/objects/meta.ts';

type Frames = Map<string, Buffer>;

const objectsEach = 1024;
let young = new Map<KubeObject, Frames>();
let old = new Map<KubeObject, Frames>();

function framesOf(object: KubeObject): Frames {
  let frames = young.get(object) ?? old.get(object);
  if (!frames) {
    if (young.size >= objectsEach) [old, young] = [young, new Map()];
    young.set(object, (frames = new Map()));
  }
  return frames;
}

/** `key` names the type of event and the form it is in. */
export function recentFrame(object: KubeObject, key: string, encode: () => Buffer): Buffer {
  const frames = framesOf(object);
  let frame = frames.get(key);
  if (!frame) frames.set(key, (frame = encode()));
  return frame;
}
