/** The picture area: one canvas with panes that move together, and the divider of the compare slider. */

import { corners } from "./tiles.js";
import { View } from "./view.js";

/** Between panes, in CSS pixels. */
const GAP = 6;
/** A key's step: of the divider in shares of the width, of panning in CSS pixels, of zooming as a factor. */
const DIVIDER_STEP = 0.02;
const PAN_STEP = 80;
const ZOOM_STEP = 1.25;
const OVERLAY = 0.75;

/**
 * A picture to show is {width, height, before, results, detail, words}: `before` and each of `results` have
 * draw(context, place); detail is one more, or null. width and height: pixels of the result. words: names of the
 * two sides, {before, after}.
 *
 * Events: "view" when the part in view changed, "choose" (detail: number) when a version was picked.
 */
export class Stage extends EventTarget {
  view = new View();
  picture = null;
  /** slider, side, after, versions */
  mode = "slider";
  /** Which of the results is shown where there is room for one. */
  chosen = 0;
  /** Which of them the user has picked, or null. */
  picked = null;
  overlay = false;
  /** Parts that were made again: {sample, left, top, right, bottom (shares 0 to 1), bitmap}; the last is on top. */
  patches = [];
  #split = 0.5;
  #peek = false;
  #pointers = new Map();
  #frame = 0;

  constructor(root, store) {
    super();
    this.root = root;
    this.store = store;
    this.canvas = root.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.labels = root.querySelector(".labels");
    this.divider = root.querySelector(".divider");
    new ResizeObserver(() => this.#resize()).observe(root);
    this.#listen();
  }

  /** keep: the same photo in another state, so that the part in view stays. */
  show(picture, keep) {
    this.picture = picture;
    this.patches = [];
    if (picture) this.view.setPicture(picture.width, picture.height, keep);
    this.#layOut();
  }

  set(changes) {
    Object.assign(this, changes);
    this.#layOut();
  }

  /** zoom: screen pixels for a pixel of the result; null for the whole picture. */
  zoomTo(zoom) {
    if (zoom === null) this.view.fit();
    else this.view.zoomTo(zoom);
    this.#moved();
  }

  zoomBy(factor) {
    this.zoomTo(this.view.zoom * factor);
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  /** The box of the result in view, in shares of its width and height: what the divider leaves of it. */
  get seen() {
    const { x, zoom, pane, picture, seen } = this.view;
    if (this.mode !== "slider") return seen;
    const divider = (x + ((this.#split - 0.5) * pane.width) / zoom) / picture.width;
    return { ...seen, left: Math.min(seen.right, Math.max(seen.left, divider)) };
  }

  /** The versions that are in view now. */
  get shown() {
    if (!this.picture) return [];
    return this.mode === "versions" ? [...this.picture.results.keys()] : [this.chosen];
  }

  /** What is in each pane: {what: "before" | number of a result, left, top} in screen pixels. */
  get #panes() {
    const sides = { slider: [this.chosen], after: [this.chosen], side: ["before", this.chosen] };
    const contents = sides[this.mode] ?? this.shown;
    const { columns } = this.#grid(contents.length);
    const gap = GAP * devicePixelRatio;
    return contents.map((what, index) => ({
      what,
      left: Math.round((index % columns) * (this.view.pane.width + gap)),
      top: Math.round(Math.floor(index / columns) * (this.view.pane.height + gap)),
    }));
  }

  /** As many columns as make the picture largest. */
  #grid(count) {
    const { width, height } = this.canvas;
    const gap = GAP * devicePixelRatio;
    let best = { zoom: 0, columns: 1, pane: { width: 1, height: 1 } };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const pane = { width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows };
      const zoom = Math.min(pane.width / this.picture.width, pane.height / this.picture.height);
      if (zoom > best.zoom) best = { columns, zoom, pane };
    }
    return best;
  }

  #resize() {
    this.canvas.width = Math.max(1, Math.round(this.root.clientWidth * devicePixelRatio));
    this.canvas.height = Math.max(1, Math.round(this.root.clientHeight * devicePixelRatio));
    this.#layOut();
    if (this.picture) this.#paint(); // a canvas that changed its size is empty until it is drawn
  }

  /** Sizes of panes, their labels and the divider. */
  #layOut() {
    this.labels.replaceChildren();
    this.divider.hidden = this.mode !== "slider" || !this.picture;
    if (!this.picture) return this.draw();
    const { pane } = this.#grid(this.#panes.length);
    this.view.setPane(Math.floor(pane.width), Math.floor(pane.height));
    const { words, results } = this.picture;
    const after = results.length > 1 ? `Version ${this.chosen + 1}` : words.after;
    if (this.mode === "slider") {
      this.#label(words.before, 0, 0);
      this.#label(after, 0, 0, "end");
    }
    for (const { what, left, top } of this.mode === "slider" ? [] : this.#panes) {
      if (this.mode === "versions") this.#versionButton(what, left, top);
      else this.#label(what === "before" ? words.before : after, left, top);
    }
    this.#moved();
  }

  #label(text, left, top, side = "start") {
    const label = document.createElement("span");
    label.textContent = text;
    label.className = side;
    this.#put(label, left, top);
  }

  #versionButton(number, left, top) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = number === this.picked ? `Version ${number + 1}, picked` : `Pick version ${number + 1}`;
    button.setAttribute("aria-pressed", number === this.picked);
    button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("choose", { detail: number })));
    this.#put(button, left, top);
  }

  #put(element, left, top) {
    element.style.setProperty("--left", `${left / devicePixelRatio}px`);
    element.style.setProperty("--top", `${top / devicePixelRatio}px`);
    this.labels.append(element);
  }

  #moved() {
    this.draw();
    this.dispatchEvent(new Event("view"));
  }

  #paint() {
    const { context, canvas } = this;
    this.store.begin();
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.picture) {
      this.#placeDivider();
      for (const pane of this.#panes) this.#paintPane(pane);
    }
    const waits = this.picture && this.shown.some((number) => !this.picture.results[number].isThere);
    this.root.classList.toggle("waiting", Boolean(waits));
    this.store.end();
    this.root.setAttribute("aria-busy", this.store.busy);
  }

  #paintPane({ what, left, top }) {
    const { pane } = this.view;
    const place = this.view.place(left, top);
    if (what === "before" || this.#peek) {
      this.#clipped(left, top, pane.width, pane.height, () => this.picture.before.draw(this.context, place));
      return;
    }
    let start = left;
    if (this.mode === "slider") {
      start = Math.round(this.#split * pane.width);
      const before = { ...place, right: start };
      this.#clipped(0, top, start, pane.height, () => this.picture.before.draw(this.context, before));
    }
    const width = left + pane.width - start;
    this.#clipped(start, top, width, pane.height, () => this.#paintResult(what, { ...place, left: start }));
  }

  #paintResult(number, place) {
    const { width, height, results, detail } = this.picture;
    results[number].draw(this.context, place);
    this.context.imageSmoothingEnabled = place.zoom < 2;
    for (const patch of this.patches.filter((each) => each.sample === number)) {
      const box = [patch.left * width, patch.top * height, patch.right * width, patch.bottom * height];
      this.context.drawImage(patch.bitmap, ...corners(place, ...box));
    }
    if (!this.overlay || !detail) return;
    this.context.globalAlpha = OVERLAY;
    detail.draw(this.context, place);
    this.context.globalAlpha = 1;
  }

  #clipped(left, top, width, height, paint) {
    if (width <= 0) return;
    this.context.save();
    this.context.beginPath();
    this.context.rect(left, top, width, height);
    this.context.clip();
    paint();
    this.context.restore();
  }

  #placeDivider() {
    this.divider.style.setProperty("--split", `${100 * this.#split}%`);
    this.divider.setAttribute("aria-valuenow", Math.round(100 * this.#split));
    this.divider.setAttribute("aria-valuetext", `${Math.round(100 * this.#split)} % of the width shows the photo before`);
  }

  #setSplit(share) {
    this.#split = Math.min(1, Math.max(0, share));
    this.#moved();
  }

  #listen() {
    const { root, divider } = this;
    divider.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      divider.setPointerCapture(event.pointerId);
    });
    divider.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const box = root.getBoundingClientRect();
      this.#setSplit((event.clientX - box.left) / box.width);
    });
    divider.addEventListener("keydown", (event) => this.#dividerKey(event));
    root.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button") || event.button !== 0) return;
      root.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, event);
    });
    root.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      root.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    }
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    root.addEventListener("dblclick", (event) => this.#doubleClick(event));
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("keyup", (event) => event.key === " " && this.#setPeek(false));
    root.addEventListener("blur", () => this.#setPeek(false));
  }

  #setPeek(peek) {
    this.#peek = peek;
    this.draw();
  }

  #dividerKey(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
    const ends = { Home: 0, End: 1 };
    if (event.key in steps) this.#setSplit(this.#split + steps[event.key] * DIVIDER_STEP);
    else if (event.key in ends) this.#setSplit(ends[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #key(event) {
    if (!this.picture || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
    const step = PAN_STEP * devicePixelRatio;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const zooms = { 0: null, 1: 1, 2: 2, 4: 4, "+": this.view.zoom * ZOOM_STEP, "=": this.view.zoom * ZOOM_STEP };
    zooms["-"] = this.view.zoom / ZOOM_STEP;
    if (event.key in moves) {
      this.view.move(...moves[event.key]);
      this.#moved();
    } else if (event.key in zooms) {
      this.zoomTo(zooms[event.key]);
    } else if (event.key === " ") {
      this.#setPeek(true);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Screen pixels of an event from the middle of the pane that it is in. */
  #fromMiddle(event) {
    const box = this.root.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
    const { width, height } = this.view.pane;
    const inside = ({ left, top }) => x >= left && x < left + width && y >= top && y < top + height;
    const { left, top } = this.#panes.find(inside) ?? this.#panes[0];
    return [x - left - width / 2, y - top - height / 2];
  }

  /** One finger moves the picture, two also zoom it. */
  #drag(event) {
    const last = this.#pointers.get(event.pointerId);
    if (!last || !this.picture) return;
    const others = [...this.#pointers.values()].filter((each) => each.pointerId !== event.pointerId);
    this.#pointers.set(event.pointerId, event);
    const share = devicePixelRatio / (others.length + 1);
    this.view.move((event.clientX - last.clientX) * share, (event.clientY - last.clientY) * share);
    if (others.length === 1) {
      const [other] = others;
      const apart = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
      const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
      this.view.zoomTo((this.view.zoom * apart(event)) / Math.max(1, apart(last)), ...this.#fromMiddle(middle));
    }
    this.#moved();
  }

  #wheel(event) {
    if (!this.picture) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.002; // a pinch on a touch pad comes as a wheel with ctrl
    const factor = Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * speed);
    this.view.zoomTo(this.view.zoom * factor, ...this.#fromMiddle(event));
    this.#moved();
  }

  /** All of it, or 1:1 where it was clicked. */
  #doubleClick(event) {
    if (!this.picture || event.target.closest("button, .divider")) return;
    if (this.view.fitted) this.view.zoomTo(Math.max(1, this.view.zoom * 2), ...this.#fromMiddle(event));
    else this.view.fit();
    this.#moved();
  }
}
