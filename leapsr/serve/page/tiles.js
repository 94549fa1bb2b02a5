/** Tiles of pictures that are too large for a browser: a few hundred of them are held, whatever the picture's size. */

import { bitmap, tilePath } from "./api.js";

/** Pixels a side of a tile. */
export const TILE = 256;
/** Tiles held at most, 256 kB each; what is in view is never thrown away. */
const HELD = 400;
/** Loads at once. A browser opens six connections to a host, and some are needed for other things. */
const AT_ONCE = 4;
/** A failed tile is asked for again after this many milliseconds, then twice as many, and so on. */
const FIRST_WAIT = 500;

/** Loads the tiles that the last drawing wanted, the most wanted first, and forgets the oldest. */
export class TileStore {
  #tiles = new Map();
  #frame = 0;
  #loading = 0;

  /** changed: called when a tile has come. */
  constructor(changed) {
    this.changed = changed;
  }

  get held() {
    return [...this.#tiles.values()].filter((tile) => tile.bitmap).length;
  }

  /** Whether tiles of the last drawing are still to come. */
  get busy() {
    return [...this.#tiles.values()].some((tile) => tile.frame === this.#frame && !tile.bitmap);
  }

  /** A new drawing begins. */
  begin() {
    this.#frame += 1;
  }

  /** The bitmap at a path, or null if it is still to come. rank: less is wanted more. */
  want(path, rank) {
    let tile = this.#tiles.get(path);
    if (!tile) {
      tile = { bitmap: null, abort: null, after: 0, tries: 0 };
      this.#tiles.set(path, tile);
    }
    tile.rank = rank;
    tile.frame = this.#frame;
    return tile.bitmap;
  }

  /** The bitmap at a path if it is there; it is not loaded for that. */
  have(path) {
    const tile = this.#tiles.get(path);
    if (!tile?.bitmap) return null;
    tile.frame = this.#frame;
    return tile.bitmap;
  }

  /** The drawing is complete: load what it lacks, stop loading what it does not need. */
  end() {
    for (const [path, tile] of this.#tiles) {
      if (tile.frame === this.#frame || tile.bitmap) continue;
      tile.abort?.abort();
      if (!tile.abort) this.#tiles.delete(path);
    }
    this.#loadMore();
  }

  #loadMore() {
    const now = performance.now();
    const missing = [...this.#tiles].filter(([, tile]) => tile.frame === this.#frame && !tile.bitmap && !tile.abort);
    missing.sort(([, one], [, other]) => one.rank - other.rank);
    for (const [path, tile] of missing) {
      if (this.#loading >= AT_ONCE) return;
      if (tile.after > now) setTimeout(() => this.changed(), tile.after - now);
      else this.#load(path, tile);
    }
  }

  async #load(path, tile) {
    tile.abort = new AbortController();
    this.#loading += 1;
    try {
      tile.bitmap = await bitmap(path, { signal: tile.abort.signal });
      this.#forgetOldest();
    } catch (error) {
      if (error.name !== "AbortError") tile.after = performance.now() + FIRST_WAIT * 2 ** tile.tries++;
    }
    tile.abort = null;
    this.#loading -= 1;
    this.changed();
  }

  #forgetOldest() {
    const held = [...this.#tiles].filter(([, tile]) => tile.bitmap);
    held.sort(([, one], [, other]) => one.frame - other.frame);
    for (const [path, tile] of held.slice(0, Math.max(0, held.length - HELD))) {
      if (tile.frame === this.#frame) return;
      tile.bitmap.close();
      this.#tiles.delete(path);
    }
  }
}

/**
 * One picture of a request, drawn from tiles. Level 0 is all of it in one tile, and each level doubles.
 * kind: "result", "source" (enlarged to the size of the result) or "detail"; under: a bitmap to show until tiles come.
 */
export class TiledPicture {
  constructor(store, id, kind, sample, width, height, under = null) {
    Object.assign(this, { store, id, kind, sample, width, height, under });
    this.top = Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / TILE)));
  }

  /** Whether there is something to be seen of it. */
  get isThere() {
    return Boolean(this.under ?? this.store.have(this.#path(0, 0, 0)));
  }

  #path(level, column, row) {
    return tilePath(this.id, this.kind, this.sample, level, column, row);
  }

  /** place: {x, y} of the picture's corner and {zoom}, and the part in view {left, top, right, bottom}; screen pixels. */
  draw(context, place) {
    const level = Math.min(this.top, Math.max(0, this.top + Math.ceil(Math.log2(place.zoom) - 0.05)));
    const side = TILE * 2 ** (this.top - level);
    const first = (start, origin) => Math.max(0, Math.floor((start - origin) / place.zoom / side));
    const last = (end, origin, length) => Math.ceil(Math.min((end - origin) / place.zoom, length) / side);
    const [firstColumn, lastColumn] = [first(place.left, place.x), last(place.right, place.x, this.width)];
    const [firstRow, lastRow] = [first(place.top, place.y), last(place.bottom, place.y, this.height)];
    this.store.want(this.#path(0, 0, 0), -1);
    if (this.under) context.drawImage(this.under, ...corners(place, 0, 0, this.width, this.height));
    const [middleColumn, middleRow] = [(firstColumn + lastColumn - 1) / 2, (firstRow + lastRow - 1) / 2];
    for (let row = firstRow; row < lastRow; row++) {
      for (let column = firstColumn; column < lastColumn; column++) {
        const rank = Math.hypot(column - middleColumn, row - middleRow);
        this.#drawTile(context, place, level, column, row, rank);
      }
    }
  }

  /** The tile, or until it comes the part of a coarser one that shows the same, if that is finer than `under`. */
  #drawTile(context, place, level, column, row, rank) {
    const side = TILE * 2 ** (this.top - level);
    const [left, top] = [column * side, row * side];
    const [right, bottom] = [Math.min(this.width, left + side), Math.min(this.height, top + side)];
    const target = corners(place, left, top, right, bottom);
    const tile = this.store.want(this.#path(level, column, row), rank);
    context.imageSmoothingEnabled = !(tile && place.zoom >= 2);
    if (tile) context.drawImage(tile, ...target);
    for (let up = 1; !tile && up <= level; up++) {
      const coarse = this.store.have(this.#path(level - up, column >> up, row >> up));
      if (!coarse) continue;
      const share = 2 ** (this.top - level + up);
      if (this.under && share > this.width / this.under.width) return;
      const [x, y] = [left / share - (column >> up) * TILE, top / share - (row >> up) * TILE];
      const width = Math.min((right - left) / share, coarse.width - x);
      const height = Math.min((bottom - top) / share, coarse.height - y);
      if (width > 0 && height > 0) context.drawImage(coarse, x, y, width, height, ...target);
      return;
    }
  }
}

/** One picture that the browser holds whole, such as a preview; drawn as if it had width x height pixels. */
export class WholePicture {
  constructor(bitmap, width, height) {
    Object.assign(this, { bitmap, width, height });
  }

  isThere = true;

  draw(context, place) {
    context.imageSmoothingEnabled = true;
    context.drawImage(this.bitmap, ...corners(place, 0, 0, this.width, this.height));
  }
}

/** Left, top, width and height on the screen of a box of the picture; whole pixels, so that neighbours meet. */
export function corners(place, left, top, right, bottom) {
  const [x, y] = [Math.round(place.x + left * place.zoom), Math.round(place.y + top * place.zoom)];
  return [x, y, Math.round(place.x + right * place.zoom) - x, Math.round(place.y + bottom * place.zoom) - y];
}
