/** What the stage shows of an entry of the queue. */

import * as api from "./api.js";
import { TiledPicture, WholePicture } from "./tiles.js";

/** Pixels of the longer side of a photo that is shown before the server has made anything of it. */
const LONGEST = 2048;

/** And of the small picture on its card. */
const OF_CARD = 192;

/**
 * The photo of an entry as the browser itself can decode it: entry.small, with LONGEST pixels at most, until release();
 * and entry.card. Some kinds of files, such as HEIC and TIFF, no browser reads; then nothing happens.
 */
export async function decode(entry) {
  if (entry.small) return;
  try {
    const file = entry.file ?? (await api.source(entry.id));
    const whole = await createImageBitmap(file);
    Object.assign(entry.source, { width: whole.width, height: whole.height });
    entry.card ??= await reduced(whole, OF_CARD);
    entry.small = await reduced(whole, LONGEST);
    whole.close();
  } catch {
    // the preview of the server will be the first to be seen
  }
}

function reduced(bitmap, longest) {
  const zoom = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const side = (length) => Math.max(1, Math.round(length * zoom));
  const size = { resizeWidth: side(bitmap.width), resizeHeight: side(bitmap.height) };
  return createImageBitmap(bitmap, { ...size, resizeQuality: "medium" });
}

/** Give back the memory of an entry that is not on the stage. */
export function release(entry) {
  entry.small?.close();
  entry.preview?.close();
  Object.assign(entry, { small: null, preview: null });
}

/** Make entry.preview: the whole photo as `settings` will make it, in the size of the screen. */
export async function preview(entry, settings, screen, signal) {
  const bitmap = await api.preview(entry.file, settings, screen.width, screen.height, signal);
  entry.preview?.close();
  entry.preview = bitmap;
}

/** The picture for Stage.show, or null while there is nothing to be seen. */
export function pictureOf(entry, store) {
  return entry.status === "done" ? finished(entry, store) : unfinished(entry);
}

function finished({ id, result, small, preview: first }, store) {
  const { width, height } = result;
  const tiled = (kind, sample, under) => new TiledPicture(store, id, kind, sample, width, height, under);
  return {
    width,
    height,
    before: tiled("source", 0, small),
    results: Array.from({ length: result.samples }, (_, sample) => tiled("result", sample, sample ? null : first)),
    detail: result.detail_map ? tiled("detail", 0) : null,
    words: { before: "Before", after: "After" },
  };
}

function unfinished({ small, preview: first }) {
  const shown = first ?? small;
  if (!shown) return null;
  const { width, height } = shown;
  const whole = (bitmap) => new WholePicture(bitmap, width, height);
  return {
    width,
    height,
    before: whole(small ?? first),
    results: [whole(shown)],
    detail: null,
    words: { before: small ? "Before" : "Preview", after: first ? "Preview" : "Preview comes" },
  };
}
