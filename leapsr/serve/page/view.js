/** Which part of a picture is seen, and how large; the same for every pane, so that panes move together. */

/** Screen pixels for a pixel of the picture at most, unless the whole of it is still smaller than its pane. */
const CLOSEST = 16;

export class View {
  picture = { width: 1, height: 1 };
  pane = { width: 1, height: 1 };
  /** Screen pixels for a pixel of the picture: 1 is 1:1. */
  zoom = 1;
  /** The pixel of the picture in the middle of each pane. */
  x = 0;
  y = 0;
  /** Whether the whole picture is to stay in view when the window changes. */
  fitted = true;

  /** The zoom at which the whole picture just fits. */
  get whole() {
    return Math.min(this.pane.width / this.picture.width, this.pane.height / this.picture.height);
  }

  /** Another picture. keep: it shows the same, perhaps in another size, and the same part stays in view. */
  setPicture(width, height, keep) {
    const factor = width / this.picture.width;
    this.picture = { width, height };
    if (!keep || this.fitted) {
      this.fit();
    } else {
      this.x *= factor;
      this.y *= factor;
      this.zoom /= factor;
      this.#limit();
    }
  }

  /** The size of a pane in screen pixels. */
  setPane(width, height) {
    this.pane = { width, height };
    if (this.fitted) this.fit();
    else this.#limit();
  }

  fit() {
    this.fitted = true;
    this.zoom = this.whole;
    this.x = this.picture.width / 2;
    this.y = this.picture.height / 2;
  }

  /** By screen pixels: the picture follows the finger. */
  move(dx, dy) {
    this.x -= dx / this.zoom;
    this.y -= dy / this.zoom;
    this.#limit();
  }

  /** zoom: the new one. (px, py): the place that stays where it is, in screen pixels from the middle of its pane. */
  zoomTo(zoom, px = 0, py = 0) {
    const wanted = this.#possible(zoom);
    this.fitted = wanted === this.whole;
    this.x += px / this.zoom - px / wanted;
    this.y += py / this.zoom - py / wanted;
    this.zoom = wanted;
    this.#limit();
  }

  /** Where to draw in a pane at (left, top) of its canvas, see TiledPicture.draw. */
  place(left, top) {
    const { width, height } = this.pane;
    return {
      x: Math.round(left + width / 2 - this.x * this.zoom),
      y: Math.round(top + height / 2 - this.y * this.zoom),
      zoom: this.zoom,
      left,
      top,
      right: left + width,
      bottom: top + height,
    };
  }

  /** The box of the picture in view, in shares 0 to 1 of its width and height. */
  get seen() {
    const [halfWidth, halfHeight] = [this.pane.width / this.zoom / 2, this.pane.height / this.zoom / 2];
    const share = (value, length) => Math.min(1, Math.max(0, value / length));
    return {
      left: share(this.x - halfWidth, this.picture.width),
      right: share(this.x + halfWidth, this.picture.width),
      top: share(this.y - halfHeight, this.picture.height),
      bottom: share(this.y + halfHeight, this.picture.height),
    };
  }

  /** From the whole picture, or 1:1 of a small one, to a few of its pixels. */
  #possible(zoom) {
    return Math.min(Math.max(CLOSEST, this.whole), Math.max(Math.min(1, this.whole), zoom));
  }

  /** No empty space beside a picture that is larger than its pane; a smaller one stays in the middle. */
  #limit() {
    this.zoom = this.#possible(this.zoom);
    const limited = (value, length, pane) => {
      const half = pane / this.zoom / 2;
      return half * 2 >= length ? length / 2 : Math.min(length - half, Math.max(half, value));
    };
    this.x = limited(this.x, this.picture.width, this.pane.width);
    this.y = limited(this.y, this.picture.height, this.pane.height);
  }
}
