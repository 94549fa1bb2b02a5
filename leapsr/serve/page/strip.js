/** The row of photos: a card each, with its state and what can be done about it. */

import * as api from "./api.js";
import { UNSENT, WORKING } from "./queue.js";
import { state } from "./words.js";

/** Pixels a side of a small picture. */
const SMALL = 192;

/** act: called with the name of an action ("open", "cancel", "retry", "download", "remove") and an entry. */
export class Strip {
  #cards = new Map();

  constructor(list, act) {
    this.list = list;
    this.act = act;
  }

  show(entries, selected) {
    const keys = new Set(entries.map((entry) => entry.key));
    for (const [key, card] of this.#cards) {
      if (keys.has(key)) continue;
      card.remove();
      this.#cards.delete(key);
    }
    for (const [index, entry] of entries.entries()) {
      const card = this.#cards.get(entry.key) ?? this.#make(entry);
      if (this.list.children[index] !== card) this.list.insertBefore(card, this.list.children[index] ?? null);
      this.#update(card, entry, entry === selected);
    }
  }

  reveal(entry) {
    this.#cards.get(entry.key)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #make(entry) {
    const card = document.getElementById("card").content.firstElementChild.cloneNode(true);
    for (const button of card.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this.act(button.dataset.action, entry));
    }
    card.querySelector(".name").textContent = entry.name;
    this.#cards.set(entry.key, card);
    return card;
  }

  #update(card, entry, selected) {
    const { status } = entry;
    card.dataset.status = status;
    card.querySelector(".name").textContent = entry.name;
    card.querySelector(".name").title = entry.name;
    card.querySelector(".state").textContent = state(entry);
    const open = card.querySelector("[data-action=open]");
    if (selected) open.setAttribute("aria-current", "true");
    else open.removeAttribute("aria-current");
    const bar = card.querySelector("progress");
    bar.hidden = !["sending", "running"].includes(status);
    bar.value = entry.progress;
    const offered = {
      cancel: WORKING.includes(status) || status === "sending" || status === "waiting",
      retry: status === "failed" || status === "cancelled",
      download: status === "done",
      remove: !WORKING.includes(status) && (!UNSENT.includes(status) || status === "ready"),
    };
    for (const [name, is] of Object.entries(offered)) {
      const button = card.querySelector(`[data-action=${name}]`);
      button.hidden = !is;
      button.setAttribute("aria-label", `${button.title} ${entry.name}`);
    }
    this.#picture(card.querySelector("canvas"), entry);
  }

  /** The small picture: of the file while it is here, of the result once there is one. */
  async #picture(canvas, entry) {
    const from = entry.status === "done" ? `result ${entry.picked ?? 0}` : entry.small ? "file" : null;
    if (!from || canvas.dataset.from === from) return;
    canvas.dataset.from = from;
    try {
      const path = api.tilePath(entry.id, "result", entry.picked ?? 0, 0, 0, 0);
      const bitmap = from === "file" ? entry.small : await api.bitmap(path);
      const zoom = Math.min(1, SMALL / Math.max(bitmap.width, bitmap.height));
      canvas.width = Math.max(1, Math.round(bitmap.width * zoom));
      canvas.height = Math.max(1, Math.round(bitmap.height * zoom));
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    } catch {
      delete canvas.dataset.from;
    }
  }
}
