/** The part of a finished picture that is in view, made again with another look, so that a dial shows what it does. */

import { region } from "./api.js";

/** Side at most of a part that is asked for, in pixels of the source: a fraction of a second of work. */
const SIDE = 224;
/** Parts at once at most, the ones nearest to the middle; of what is further out nothing is seen at that zoom anyway. */
const MOST = 24;
/** Parts that are held at most, 3 MB each at four times the size. */
const HELD = 48;

export class VisiblePart {
  #abort = new AbortController();

  /** report: called with "" when all is up to date, else with a sentence. */
  constructor(stage, report) {
    this.stage = stage;
    this.report = report;
  }

  /**
   * entry: a finished photo. look: how it is to be made, such as {fidelity, seed}; null: as it was. It is shown as soon
   * as it comes, from the middle outwards; until then the look before stays.
   */
  async show(entry, look) {
    const key = look && JSON.stringify([entry.id, look]);
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    if (!look) {
      this.#keep(() => false);
      return this.report("");
    }
    try {
      const missing = this.#missing(entry, key);
      const room = HELD - (this.#inView(entry).length - missing.length);
      const parts = missing.slice(0, Math.max(0, Math.min(MOST, room)));
      for (const [index, part] of parts.entries()) {
        this.report(`Making the part in view again, ${index + 1} of ${parts.length}`);
        const { sample, box, ...shares } = part;
        const bitmap = await region(entry.id, box, { ...look, seed: look.seed + sample }, signal);
        if (signal.aborted) return;
        this.stage.patches.push({ ...shares, sample, key, bitmap });
        this.#makeRoom(entry, key);
      }
      this.#keep((patch) => patch.key === key);
      this.report(this.#missing(entry, key).length ? "Only the middle shows the new look; zoom in for more." : "");
    } catch (error) {
      if (error.name !== "AbortError") this.report(error.message);
    }
  }

  /** The parts in view that no patch of this key covers, the middle first. */
  #missing(entry, key) {
    const made = this.stage.patches.filter((patch) => patch.key === key);
    return this.#inView(entry).filter((part) => !made.some((patch) => covers(patch, part)));
  }

  /** The parts in view, the middle first. */
  #inView(entry) {
    const { seen } = this.stage;
    if (seen.left >= seen.right) return [];
    const { width, height } = entry.source;
    const box = {
      left: Math.floor(seen.left * width),
      top: Math.floor(seen.top * height),
      right: Math.ceil(seen.right * width),
      bottom: Math.ceil(seen.bottom * height),
    };
    const columns = cuts(box.left, box.right);
    const rows = cuts(box.top, box.bottom);
    const [middleX, middleY] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const parts = [];
    for (const [top, bottom] of rows) {
      for (const [left, right] of columns) {
        const shares = { left: left / width, top: top / height, right: right / width, bottom: bottom / height };
        const away = Math.hypot((left + right) / 2 - middleX, (top + bottom) / 2 - middleY);
        for (const sample of this.stage.shown) {
          const part = { left, top, width: right - left, height: bottom - top };
          parts.push({ ...shares, sample, away, box: part });
        }
      }
    }
    return parts.sort((one, other) => one.away - other.away);
  }

  /** Forget what is too much, the oldest first: patches of another key, then those that cover no part in view. */
  #makeRoom(entry, key) {
    const parts = this.#inView(entry);
    const worth = (patch) => (patch.key !== key ? 0 : parts.some((part) => covers(patch, part)) ? 2 : 1);
    const { patches } = this.stage;
    const ranked = patches.toSorted((one, other) => worth(one) - worth(other));
    const gone = ranked.slice(0, Math.max(0, patches.length - HELD));
    this.#keep((patch) => !gone.includes(patch));
  }

  /** Forget the other patches. */
  #keep(isKept) {
    const kept = this.stage.patches.filter(isKept);
    for (const patch of this.stage.patches) if (!kept.includes(patch)) patch.bitmap.close();
    this.stage.patches = kept;
    this.stage.draw();
  }
}

function covers(patch, part) {
  const inside = patch.left <= part.left && patch.right >= part.right;
  return patch.sample === part.sample && inside && patch.top <= part.top && patch.bottom >= part.bottom;
}

/** The range in pieces of about equal length. */
function cuts(start, end) {
  const count = Math.max(1, Math.ceil((end - start) / SIDE));
  const at = (index) => start + Math.round(((end - start) * index) / count);
  return Array.from({ length: count }, (_, index) => [at(index), at(index + 1)]);
}
